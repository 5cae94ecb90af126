"""Each alarm is raised when its condition has lasted, and ends when it is over; none is raised in a
healthy run."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evenhand.gateway.admin import EngineStatus
from evenhand.model import EngineReport
from evenhand.scheduling import TenantShare
from evenhand.telemetry.alarms import DO, Alarm, Alarms, AlarmSettings, Kind
from evenhand.telemetry.samples import Sample
from support.sampled import SampledScheduler, row
from support.served_tenants import ENGINE

TENANTS = (TenantShare(name="a"), TenantShare(name="b"))
SECONDS = 11
"""After which what has lasted is raised."""


def with_row(**more: Any) -> Callable[[Sample], Sample]:
    """Tenant a has these figures, and b waits."""

    def change(sample: Sample) -> Sample:
        a, b = row(sample, "a"), row(sample, "b")
        a = a._replace(running=1, **more)
        return replace(sample, tenants=(a, b._replace(queued=1)))

    return change


def with_engine(**more: Any) -> Callable[[Sample], Sample]:
    def change(sample: Sample) -> Sample:
        return replace(sample, engines=(sample.engines[0]._replace(**more),))

    return change


def with_all(**more: Any) -> Callable[[Sample], Sample]:
    return lambda sample: replace(with_row()(sample), **more)


BAD: dict[Kind, Callable[[Sample], Sample]] = {
    Kind.SLOW_TTFT: with_row(ttft_p99_ms=10_001),
    Kind.SLOW_TOKENS: with_row(inter_token_p99_ms=1_000),
    Kind.LONG_QUEUE_WAITS: with_row(wait_p99_ms=60_000),
    Kind.OLDEST_WAIT: with_row(oldest_wait_ms=60_001, queued=1),
    Kind.KV_HELD_BY_ONE: with_row(kv_ppm=900_000),
    Kind.SERVED_TO_ONE: with_all(dominant=("a",), dominant_ppm=900_000),
    Kind.UNFAIR_5MIN: with_all(jain_5min_ppm=799_999),
    Kind.UNFAIR_1S: with_all(jain_1s_ppm=399_999),
    Kind.ENGINE_DOWN: with_engine(up=False, reason="refuses connections"),
    Kind.CIRCUIT_OPEN: with_engine(circuit="open"),
}
FINE: dict[Kind, Callable[[Sample], Sample]] = {
    Kind.SLOW_TTFT: with_row(ttft_p99_ms=10_000),
    Kind.SLOW_TOKENS: with_row(inter_token_p99_ms=500),
    Kind.LONG_QUEUE_WAITS: with_row(wait_p99_ms=30_000),
    Kind.OLDEST_WAIT: with_row(oldest_wait_ms=60_000, queued=1),
    Kind.KV_HELD_BY_ONE: with_row(kv_ppm=900_000, promised_ppm=900_000),
    Kind.SERVED_TO_ONE: with_all(dominant=("a",), dominant_ppm=800_000),
    Kind.UNFAIR_5MIN: with_all(jain_5min_ppm=800_000),
    Kind.UNFAIR_1S: with_all(jain_1s_ppm=400_000),
    Kind.ENGINE_DOWN: with_engine(up=False, drained=True),
    Kind.CIRCUIT_OPEN: with_engine(circuit="closed"),
}


class Watched:
    """Alarms that see a quiet gateway, as the test changes it."""

    def __init__(self, settings: AlarmSettings | None = None) -> None:
        self.world = SampledScheduler(TENANTS)
        self.changes: list[Alarm] = []
        self.alarms = Alarms(settings or AlarmSettings(), on_change=self.changes.append)

    def see(self, change: Callable[[Sample], Sample], seconds: int) -> list[Kind]:
        for _ in range(seconds):
            self.alarms.look(change(self.world.second()))
        return [alarm.found.kind for alarm in self.alarms.standing()]


def unchanged(sample: Sample) -> Sample:
    return sample


@pytest.mark.parametrize("kind", BAD)
def test_what_lasts_is_raised_and_ends_when_it_is_over(kind: Kind) -> None:
    watched = Watched()
    assert watched.see(BAD[kind], SECONDS - 1) == []
    assert watched.see(BAD[kind], 1) == [kind]
    (alarm,) = watched.alarms.standing()
    assert alarm.since_ms == 1_000
    assert alarm.found.what
    assert DO[kind]
    assert watched.alarms.counts()[kind] == 1
    assert watched.see(unchanged, SECONDS - 2) == [kind]
    assert watched.see(unchanged, 1) == []
    (ended,) = watched.alarms.ended()
    assert (ended.since_ms, ended.ended_ms) == (1_000, SECONDS * 1_000)
    assert watched.changes == [alarm, ended]


@pytest.mark.parametrize("kind", FINE)
def test_what_is_at_its_threshold_is_no_alarm(kind: Kind) -> None:
    assert Watched().see(FINE[kind], 2 * SECONDS) == []


@pytest.mark.parametrize("kind", BAD)
def test_what_passes_soon_is_no_alarm(kind: Kind) -> None:
    watched = Watched()
    for _ in range(3):
        watched.see(BAD[kind], SECONDS - 1)
        assert watched.see(unchanged, 1) == []
    assert watched.changes == []


def test_an_alarm_that_is_switched_off_is_not_raised() -> None:
    off: dict[str, Any] = {
        name: None for name in AlarmSettings.__dataclass_fields__ if name != "for_ms"
    }
    always = {Kind.ENGINE_DOWN, Kind.CIRCUIT_OPEN}
    for kind, bad in BAD.items():
        assert Watched(AlarmSettings(**off)).see(bad, SECONDS) == ([kind] if kind in always else [])


def test_preemptions_are_counted_over_a_minute_and_across_a_restart() -> None:
    def told(count: int) -> EngineStatus:
        report = EngineReport(preemptions=count)
        return EngineStatus(ENGINE, is_up=True, reason="answers", report=report)

    watched = Watched()
    for count in range(1_000, 1_030):
        watched.world.engines_shown = [told(count)]
        assert watched.see(unchanged, 1) == []
    watched.world.engines_shown = [told(0)]  # restarted: it has preempted nothing
    assert watched.see(unchanged, SECONDS) == []
    for count in range(0, 80, 4):
        watched.world.engines_shown = [told(count)]
        kinds = watched.see(unchanged, 1)
    assert kinds == [Kind.PREEMPTIONS]
    assert watched.see(unchanged, 61 + SECONDS) == []


def test_a_fair_overload_raises_no_alarm_and_an_unfair_one_does() -> None:
    watched = Watched(AlarmSettings(oldest_wait_ms=None))
    world = watched.world
    for tenant in ("a", "b"):
        world.ask((tenant,), 1_900)

    def served(sample: Sample) -> Sample:
        for _ in range(4):
            world.start()
            world.end_all()
        return sample

    assert watched.see(served, 40) == []
    world.scheduler.hold_back(("a",))
    kinds = watched.see(served, 70)
    assert Kind.SERVED_TO_ONE in kinds
    assert Kind.UNFAIR_1S not in kinds  # half of two: just what one of them has
    assert Kind.UNFAIR_5MIN in kinds


def test_nobody_has_too_much_whose_weight_gives_it_while_others_are_idle() -> None:
    def much(due_ppm: int) -> Callable[[Sample], Sample]:
        row_a = with_row(promised_ppm=450_000, entitled_ppm=due_ppm, kv_ppm=900_000)
        return lambda sample: replace(row_a(sample), dominant=("a",), dominant_ppm=900_000)

    assert Watched().see(much(850_000), 2 * SECONDS) == []
    beyond = Watched().see(much(500_000), 2 * SECONDS)
    assert set(beyond) == {Kind.SERVED_TO_ONE, Kind.KV_HELD_BY_ONE}


def test_what_is_the_same_with_many_is_one_alarm() -> None:
    tenants = [TenantShare(name=f"t{number}") for number in range(30)]
    world = SampledScheduler(tenants)
    alarms = Alarms(AlarmSettings())
    for count in [21] * SECONDS + [3] * 2 * SECONDS:
        sample = world.second()
        rows = [
            one._replace(running=1, ttft_p99_ms=20_000 + number if number < count else 5)
            for number, one in enumerate(sample.tenants)
        ]
        alarms.look(replace(sample, tenants=tuple(rows)))
        standing = [(alarm.found.tenant, alarm.found.value) for alarm in alarms.standing()]
        if sample.seq == SECONDS:
            assert standing == [(None, 20_020)]
            assert "21 tenants alike" in alarms.standing()[0].found.what
    assert standing == [((f"t{number}",), 20_000 + number) for number in range(3)]
