"""Renewal: by a look at the files or on demand, whole or not at all."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from evenhand.gateway.tls import Certificate, CertificateWatch, TlsFiles
from evenhand.telemetry import CertificateCollector, Metrics, RequestLog
from support.certificates import make_pair, replace

DAY_S = 86_400


class Kept:
    """A certificate with its log, and a clock that the test sets."""

    def __init__(self, files: TlsFiles) -> None:
        self.later_s = 0.0
        self.raw: list[bytes] = []
        self.log = RequestLog(self.raw.append)
        self.files = files
        self.certificate = Certificate("data", files, self.log, clock=self._clock)

    def _clock(self) -> float:
        return time.time() + self.later_s

    def lines(self) -> list[dict[str, Any]]:
        """The whole log; nothing is logged after."""
        assert self.log.close()
        return [json.loads(line) for line in b"".join(self.raw).splitlines()]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(make_pair(tmp_path, "old"))
    yield made
    made.log.close()


def events(kept: Kept) -> list[str]:
    return [line["event"] for line in kept.lines()]


def test_nothing_is_read_again_while_nothing_changes(kept: Kept) -> None:
    before = kept.certificate.context
    for _ in range(5):
        kept.certificate.look()
    assert kept.certificate.context is before
    assert events(kept) == []


def test_a_changed_pair_is_taken_once_it_rests(kept: Kept, tmp_path: Path) -> None:
    new = make_pair(tmp_path, "new", days=300)
    before = kept.certificate.context
    replace(kept.files, new)
    kept.certificate.look()
    assert kept.certificate.context is before, "it may be half written"
    kept.certificate.look()
    assert kept.certificate.context is not before
    after = kept.certificate.context
    kept.certificate.look()
    assert kept.certificate.context is after
    (line,) = kept.lines()
    assert (line["event"], line["listener"]) == ("tls_reloaded", "data")
    assert line["expires"].endswith("Z")


def test_half_a_pair_is_refused_and_the_other_half_mends_it(kept: Kept, tmp_path: Path) -> None:
    new = make_pair(tmp_path, "new")
    before = kept.certificate.context
    new.certificate.rename(kept.files.certificate)
    for _ in range(4):
        kept.certificate.look()
    assert kept.certificate.context is before
    new.key.rename(kept.files.key)
    for _ in range(2):
        kept.certificate.look()
    assert kept.certificate.context is not before
    failed, reloaded = kept.lines()
    assert failed["event"] == "tls_reload_failed"
    assert failed["reason"].startswith("key does not belong to ")
    assert reloaded["event"] == "tls_reloaded"


def test_files_that_vanish_change_nothing(kept: Kept) -> None:
    before = kept.certificate.context
    kept.files.key.unlink()
    for _ in range(4):
        kept.certificate.look()
    kept.certificate.reload()
    assert kept.certificate.context is before
    lines = kept.lines()
    assert [line["event"] for line in lines] == ["tls_reload_failed"] * 2
    assert lines[0]["reason"] == "key is not there: check the path"


def test_a_mode_that_is_put_right_is_seen(kept: Kept, tmp_path: Path) -> None:
    new = make_pair(tmp_path, "new")
    new.key.chmod(0o644)
    before = kept.certificate.context
    replace(kept.files, new)
    kept.certificate.look()
    kept.certificate.look()
    kept.files.key.chmod(0o600)
    kept.certificate.look()
    kept.certificate.look()
    assert kept.certificate.context is not before
    assert events(kept) == ["tls_reload_failed", "tls_reloaded"]


def test_a_symbolic_link_that_is_turned_is_a_change(tmp_path: Path) -> None:
    one, two = make_pair(tmp_path / "1"), make_pair(tmp_path / "2")
    live = tmp_path / "live"
    live.symlink_to(one.certificate.parent)
    kept = Kept(TlsFiles(live / one.certificate.name, live / one.key.name))
    before = kept.certificate.context
    turned = tmp_path / "turned"
    turned.symlink_to(two.certificate.parent)
    turned.rename(live)
    kept.certificate.look()
    kept.certificate.look()
    assert kept.certificate.context is not before
    assert events(kept) == ["tls_reloaded"]


def test_the_end_is_announced_two_weeks_ahead_once_a_pair(kept: Kept, tmp_path: Path) -> None:
    kept.later_s = 75 * DAY_S
    kept.certificate.look()
    kept.later_s = 77 * DAY_S
    kept.certificate.look()
    kept.certificate.look()
    kept.later_s = 0
    replace(kept.files, make_pair(tmp_path, "new", days=10))
    kept.certificate.reload()
    first, reloaded, second = kept.lines()
    assert (first["event"], first["days_left"]) == ("tls_certificate_expires_soon", 12)
    assert reloaded["event"] == "tls_reloaded"
    assert (second["event"], second["days_left"]) == ("tls_certificate_expires_soon", 9)


def test_the_watch_looks_and_stops(kept: Kept, tmp_path: Path) -> None:
    async def main() -> None:
        before = kept.certificate.context
        watch = CertificateWatch([kept.certificate], interval_ms=1)
        watch.start()
        replace(kept.files, make_pair(tmp_path, "new"))
        async with asyncio.timeout(10):
            while kept.certificate.context is before:  # noqa: ASYNC110 - a swap tells nobody
                await asyncio.sleep(0.001)
        watch.stop()
        assert watch._timer is None
        idle = CertificateWatch([])
        idle.start()
        assert idle._timer is None, "there is nothing to look at"
        idle.stop()

    uvloop.run(main())


def test_a_scrape_tells_expiry_and_failures(kept: Kept) -> None:
    metrics = Metrics(models=[], version="1")
    metrics.registry.register(CertificateCollector([kept.certificate]))
    kept.certificate.handshakes_failed = 3
    text = metrics.render().decode()
    expiry = text.partition('evenhand_tls_certificate_expiry_seconds{listener="data"} ')[2]
    assert float(expiry.split()[0]) == kept.certificate.expires_s
    assert 'evenhand_tls_handshakes_failed_total{listener="data"} 3.0' in text
