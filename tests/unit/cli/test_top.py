"""A frame of `evenhand top` tells the most telling first, and fits."""

from typing import Any

import pytest
from rich.console import Console

from evenhand.cli.top.frame import frame
from evenhand.cli.top.rows import SORTS, rows_of
from evenhand.cli.top.words import duration, number, percent, share_bar
from evenhand.gateway.admin import EngineStatus
from evenhand.model import EngineReport
from evenhand.scheduling import TenantShare
from evenhand.telemetry.samples import sample_json
from support.sampled import SampledScheduler
from support.served_tenants import ENGINE

ALARM = {"what": "a got 95 % of the service of the last minute while others waited"}


def sampled(tenants: int, seconds: int = 5) -> list[dict[str, Any]]:
    """Of a gateway in which everybody waits."""
    report = EngineReport(waiting=1, kv_used_permille=420)
    engine = EngineStatus(ENGINE, is_up=True, reason="answers", report=report)
    world = SampledScheduler(
        [TenantShare(name=f"t{place:04}", weight=1 + place % 3) for place in range(tenants)],
        tenants_max=1_000,
        engines_shown=[engine],
    )
    samples = []
    for place in range(tenants):
        world.ask((f"t{place:04}",), 3)
    for _ in range(seconds):
        for _ in range(3):
            world.start()
            world.end_all()
        samples.append(sample_json(world.second()))
    return samples


def printed(samples: list[dict[str, Any]], width: int, height: int, **more: Any) -> list[str]:
    console = Console(width=width, height=height, highlight=False)
    options = {"sort": "r", "alarms": []} | more
    with console.capture() as capture:
        console.print(frame(samples, width=width, height=height, **options))
    return capture.get().splitlines()


@pytest.mark.parametrize("size", [(80, 24), (110, 40), (160, 50), (60, 12)])
@pytest.mark.parametrize("tenants", [1, 5, 1_000])
def test_a_frame_fits_and_has_what_matters(size: tuple[int, int], tenants: int) -> None:
    lines = printed(sampled(tenants), *size, alarms=[ALARM] * 5, trouble="no gateway answers")
    width, height = size
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)
    text = "\n".join(lines)
    assert "fairness" in text
    assert "in flight" in text
    assert "! a got 95 %" in text
    assert "and 2 more alarms" in text
    assert "no gateway answers" in text
    assert "q quit" in text
    assert "t0000" in text or tenants == 1_000
    assert ("more tenants" in text) == (tenants == 1_000 or (height == 12 and tenants > 1))


def test_without_a_terminal_every_tenant_is_printed() -> None:
    console = Console(width=100, highlight=False)
    samples = sampled(60)
    with console.capture() as capture:
        console.print(frame(samples, [], sort="n", width=100, height=None, keys=False))
    text = capture.get()
    assert all(f"t{place:04}" in text for place in range(60))
    assert "q quit" not in text


@pytest.mark.parametrize("sort", SORTS)
def test_each_order_is_an_order(sort: str) -> None:
    rows = rows_of(sampled(20), sort)
    keys = [SORTS[sort][1](row) for row in rows]
    assert keys == sorted(keys)
    assert len(rows) == 20


def test_shares_over_some_seconds_are_of_all_that_was_served_in_them() -> None:
    samples = sampled(4)
    rows = {row.path: row for row in rows_of(samples, "n")}
    units = dict.fromkeys(rows, 0)
    for sample in samples:
        for tenant in sample["tenants"]:
            units[tenant["path"]] += tenant["units"]
    whole = sum(units.values())
    for path, row in rows.items():
        assert row.received == pytest.approx(units[path] / whole)
    assert sum(row.received for row in rows.values()) == pytest.approx(1)
    assert sum(row.due or 0 for row in rows.values()) == pytest.approx(1, abs=0.01)


def test_an_engine_that_is_down_is_shown_with_its_reason() -> None:
    engine = EngineStatus(ENGINE, is_up=False, reason="refuses connections", circuit="open")
    world = SampledScheduler([TenantShare(name="a")], engines_shown=[engine])
    text = "\n".join(printed([sample_json(world.second())], 80, 24))
    assert "down: refuses connections" in text
    assert "circuit open" in text


def test_figures_are_short() -> None:
    assert [duration(ms) for ms in (0, 999, 1_000, 99_949, 120_000, 36_000_000)] == [
        *("0 ms", "999 ms", "1.0 s", "99.9 s", "2 min", "10 h"),
    ]
    assert [number(n) for n in (0, 9_999, 10_000, 123_456, 12_345_678)] == [
        *("0", "9999", "10.0 k", "123 k", "12.3 M"),
    ]
    assert [percent(part) for part in (0, 0.001, 0.0949, 0.5, 1)] == [
        *("0 %", "0.1 %", "9.5 %", "50 %", "100 %"),
    ]
    assert share_bar(0.5, None, 10) == "█████░░░░░"
    assert share_bar(0.5, 0.8, 10) == "█████░░┃░░"
    assert share_bar(2, 2, 4) == "███┃"
