"""Which pairs serve, and what is said of those that do not."""

import os
import ssl
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evenhand.gateway.tls import PairError, TlsFiles, load_pair
from evenhand.gateway.tls.validity import not_after_s
from support.certificates import make_pair, openssl


def refused(files: TlsFiles, now_s: float | None = None) -> dict[str, str]:
    with pytest.raises(PairError) as caught:
        load_pair(files, time.time() if now_s is None else now_s)
    return {fault.part: fault.message for fault in caught.value.faults}


# 2049 and 2050 lie on either side of the change from two digits of a year to four.
@pytest.mark.parametrize("days", [1, 90, 8_400, 8_800, 30_000])
def test_expiry_is_what_openssl_says(tmp_path: Path, days: int) -> None:
    files = make_pair(tmp_path, days=days)
    said = openssl("x509", "-in", str(files.certificate), "-noout", "-enddate").strip()
    when = datetime.strptime(said, "notAfter=%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
    assert load_pair(files, time.time()).expires_s == when.timestamp()


def test_whatever_is_cut_off_a_certificate_is_an_error_in_words(pair: TlsFiles) -> None:
    der = ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())
    whole = not_after_s(der)
    for length in range(len(der)):
        with pytest.raises(ValueError, match=r"no X.509 certificate"):
            not_after_s(der[:length])
    for position in range(60):
        broken = bytearray(der)
        broken[position] ^= 0xFF
        try:
            assert isinstance(not_after_s(bytes(broken)), int)
        except ValueError as error:
            assert str(error) == "no X.509 certificate"  # noqa: PT017 - either may come
    assert not_after_s(der) == whole


def test_an_expired_one_names_its_day(tmp_path: Path) -> None:
    said = refused(make_pair(tmp_path, days=0))
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    assert said.keys() == {"certificate"}
    assert said["certificate"].startswith(f"has expired on {today}")
    assert said["certificate"].endswith("UTC: renew it")


def test_it_expires_in_the_second_that_it_names(pair: TlsFiles) -> None:
    expires_s = load_pair(pair, 0).expires_s
    load_pair(pair, expires_s - 0.5)
    assert refused(pair, expires_s)


def test_both_files_are_told_of_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    said = refused(TlsFiles(tmp_path / "none.pem", tmp_path / "pipe"))
    assert said["certificate"] == "is not there: check the path"
    assert said["key"] == "is not a regular file: name a PEM file"


def test_a_key_of_another_certificate(tmp_path: Path) -> None:
    one, other = make_pair(tmp_path, "one"), make_pair(tmp_path, "other")
    said = refused(TlsFiles(one.certificate, other.key))
    assert said["key"].startswith(f"does not belong to {one.certificate}: ")


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440, 0o640])
def test_modes_that_serve(tmp_path: Path, mode: int) -> None:
    files = make_pair(tmp_path)
    files.key.chmod(mode)
    load_pair(files, time.time())


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o620, 0o602])
def test_a_key_that_is_open_to_others(tmp_path: Path, mode: int) -> None:
    files = make_pair(tmp_path)
    files.key.chmod(mode)
    said = refused(files)["key"]
    assert said == f"is open to others (mode {mode:04o}): chmod u=rw,g=,o= {files.key}"
    # The advice is to be typed.
    assert os.system(said.rpartition(": ")[2]) == 0
    load_pair(files, time.time())


def test_an_encrypted_key_asks_nobody(tmp_path: Path) -> None:
    files = make_pair(tmp_path)
    locked = tmp_path / "locked.key"
    openssl("pkey", "-in", str(files.key), "-aes256", "-passout", "pass:x", "-out", str(locked))
    locked.chmod(0o600)
    assert "is encrypted" in refused(TlsFiles(files.certificate, locked))["key"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificate"),
        ("x" * (1 << 20) + "x", "larger than"),
    ],
)
def test_a_certificate_that_is_none(pair: TlsFiles, tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "chain.pem"
    file.write_text(text)
    assert words in refused(TlsFiles(file, pair.key))["certificate"]


def test_a_chain_that_is_broken_behind_its_first(pair: TlsFiles, tmp_path: Path) -> None:
    file = tmp_path / "chain.pem"
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    file.write_text(pair.certificate.read_text() + broken)
    assert "write the chain anew" in refused(TlsFiles(file, pair.key))["certificate"]


def test_a_key_that_is_none(pair: TlsFiles, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("no key\n")
    key.chmod(0o600)
    said = refused(TlsFiles(pair.certificate, key))["key"]
    assert "is refused by OpenSSL" in said
    assert "no key" not in said
