"""The core inside an engine knows of every token before it decides."""

from collections.abc import Iterator

import pytest

from evenhand.model import EngineName, Request
from evenhand.scheduling import Policy, Scheduler, SchedulerSettings, TenantShare, compose
from evenhand.sim.engine.slora.loop import SloraLoop
from evenhand.sim.host.in_engine import InEngine
from evenhand.sim.requests import request_maker
from evenhand.sim.run_record import Fate, RunRecord
from evenhand.sim.simulation import Simulation
from evenhand.workloads.ask import Ask
from support.slora_fleet import slora_profile

TENANTS = ("a", "b", "c")
UNITS_INPUT, UNITS_OUTPUT = 10, 20


def asks(count: int, *, gap_ms: float = 150.0) -> Iterator[Ask]:
    for number in range(count):
        yield Ask(
            id=number,
            at_ms=number * gap_ms,
            tenant=(TENANTS[number % 5 % 3],),
            input_tokens=20 + number * 7 % 90,
            output_tokens=1 + number * 13 % 70,
        )


class Asked(Scheduler):
    """Looks, whenever it is asked who is next, whether all that has come was charged."""

    looks = 0
    host: InEngine
    engine: SloraLoop

    def ahead(self, now_ms: int) -> Request | None:
        self.looks += 1
        self.engine.bring_up(self.engine.boundary_ms)
        for job in self.host._started.values():
            assert job.told == job.produced or job.produced <= job.paid
            assert job.produced < job.ask.output_tokens, "ended, and not settled"
        return super().ahead(now_ms)


def run(
    policy: Policy, count: int = 80, *, patience_ms: float = float("inf")
) -> tuple[RunRecord, Asked]:
    profile = slora_profile(kv_tokens=700)
    tenants = tuple(TenantShare(name=name) for name in TENANTS)
    scheduler = Asked(SchedulerSettings(tenants=tenants, policy=policy))
    host = InEngine(scheduler, request_of=request_maker(reads_prefix=policy.reads_prefix))
    engine = SloraLoop(EngineName("engine"), profile, host, least=host.least)
    scheduler.host, scheduler.engine = host, engine
    simulation = Simulation(asks(count), [engine], patience_ms=lambda _: patience_ms)
    host.serve(engine, sequences_max=profile.sequences_max, ended=simulation.ended)
    record = simulation.run(host)
    assert host.waiting() == 0
    assert scheduler.open_requests() == 0
    return record, scheduler


@pytest.mark.parametrize("preset", ["fcfs", "vtc", "lcf", "drr", "las", "dlpm", "wsc", "fairserve"])
def test_every_preset_can_sit_in_an_engine_and_decides_on_all_that_has_come(preset: str) -> None:
    record, scheduler = run(compose(preset, prediction="none"))
    assert len(record) == 80
    assert scheduler.looks > 50


def test_all_is_charged_once() -> None:
    record, scheduler = run(compose("vtc"))
    rows = zip(record.input_tokens, record.output_tokens, strict=True)
    units = sum(UNITS_INPUT * i + UNITS_OUTPUT * o for i, o in rows)
    assert scheduler.tree.root.service_units == units


def test_requests_beyond_a_rate_are_throttled_at_the_door() -> None:
    record, _ = run(compose("rpm", settings={"requests_per_minute": 5}))
    assert record.fate.count(Fate.THROTTLED) == 80 - 3 * 5
    assert record.fate.count(Fate.COMPLETED) == 3 * 5


def test_clients_that_leave_are_written_down_and_free_what_they_held() -> None:
    record, scheduler = run(compose("vtc"), patience_ms=2500.0)
    assert record.fate.count(Fate.LEFT) > 10
    assert record.fate.count(Fate.COMPLETED) > 10
    assert len(record) == 80
    assert scheduler.engine.kv_tokens_used() == 0
