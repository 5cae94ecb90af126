"""`evenhand check` finds what keeps a certificate from serving, and names the key that says so."""

from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from evenhand.cli.check import check
from evenhand.gateway.tls import TlsFiles
from support.certificates import make_pair

app = typer.Typer()
app.command()(check)

REST = """
engines: [{name: e, kind: openai, url: "http://127.0.0.1:1", models: [m], window: 1}]
tenants: [{name: a}]
keys: [{key: env:A_KEY, tenant: a}]
"""


def checked(folder: Path, *options: str, **sections: TlsFiles) -> Result:
    """Check a file with those `tls` sections: `data`, `admin`."""
    file = folder / "evenhand.yaml"
    data, admin = sections.get("data"), sections.get("admin")
    lines = [f"tls: {written(data)}"] if data else []
    lines += ["admin:", f"  tls: {written(admin)}"] if admin else []
    file.write_text("\n".join(lines) + REST)
    return CliRunner().invoke(app, [*options, str(file)], env={"A_KEY": "k" * 32})


def written(files: TlsFiles) -> str:
    return f'{{certificate: "{files.certificate}", key: "{files.key}"}}'


def test_a_sound_pair_passes_and_is_printed(tmp_path: Path, pair: TlsFiles) -> None:
    result = checked(tmp_path, data=pair, admin=pair)
    assert result.exit_code == 0, result.output
    printed = yaml.safe_load(result.stdout)
    wanted = {"certificate": str(pair.certificate), "key": str(pair.key)}
    assert (printed["tls"], printed["admin"]["tls"]) == (wanted, wanted)


def test_one_that_expires_soon_passes(tmp_path: Path) -> None:
    assert checked(tmp_path, data=make_pair(tmp_path, days=3)).exit_code == 0


def test_every_problem_has_its_line_and_its_fix(tmp_path: Path) -> None:
    expired = make_pair(tmp_path, "expired", days=0)
    expired.key.chmod(0o644)
    missing = TlsFiles(tmp_path / "none.pem", tmp_path / "none.key")
    result = checked(tmp_path, data=expired, admin=missing)
    assert result.exit_code == 1
    file = tmp_path / "evenhand.yaml"
    said = result.stderr.splitlines()
    assert len(said) == 4
    assert said[0].startswith(f"{file}:1: tls.certificate: has expired on ")
    assert said[1].startswith(f"{file}:1: tls.key: is open to others (mode 0644): chmod ")
    assert said[2] == f"{file}:3: admin.tls.certificate: is not there: check the path"
    assert said[3] == f"{file}:3: admin.tls.key: is not there: check the path"


def test_a_pair_that_does_not_match(tmp_path: Path) -> None:
    one, other = make_pair(tmp_path, "one"), make_pair(tmp_path, "other")
    result = checked(tmp_path, admin=TlsFiles(one.certificate, other.key))
    assert result.exit_code == 1
    assert "admin.tls.key: does not belong to" in result.stderr


def test_files_are_outside_like_secrets(tmp_path: Path) -> None:
    missing = TlsFiles(tmp_path / "none.pem", tmp_path / "none.key")
    assert checked(tmp_path, "--no-secrets", data=missing).exit_code == 0


@pytest.mark.parametrize("key", ["certificate", "key"])
def test_both_must_be_named(tmp_path: Path, key: str) -> None:
    file = tmp_path / "evenhand.yaml"
    file.write_text(f"tls: {{{key}: /x.pem}}" + REST)
    result = CliRunner().invoke(app, [str(file)])
    other = {"certificate": "key", "key": "certificate"}[key]
    assert result.exit_code == 1
    assert f"tls.{other}: is missing: add `{other}: ...`" in result.stderr


def test_a_key_pasted_into_the_file_is_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "evenhand.yaml"
    file.write_text("tls: {certificate: /x.pem, key: [secret-secret]}" + REST)
    result = CliRunner().invoke(app, [str(file)])
    assert result.exit_code == 1
    assert "secret-secret" not in result.output
