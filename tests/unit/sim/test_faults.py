"""Faults as they are written; and what a run with faults still keeps: one ending per ask, no idle slot
while somebody waits, and charges that are what was used."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from evenhand.model import Usage
from evenhand.scheduling import (
    PRESETS,
    Policy,
    Scheduler,
    SchedulerSettings,
    Settlement,
    TokenWeights,
    compose,
)
from evenhand.scheduling.recorder import Event, Recorder
from evenhand.sim.engine.protocol import IDLE
from evenhand.sim.faults import AtEngine, Fault, Faults, OfClients, parse_fault
from evenhand.sim.fleet import Fleet, at_gateway
from evenhand.sim.run_record import Fate, RunRecord
from evenhand.sim.settings import SimulationSettings
from evenhand.workloads.ask import Ask
from evenhand.workloads.workload import Workload
from support.small_runs import PROFILE, a_workload, at_gateway_run, some_faults

WRITTEN: dict[str, Fault] = {
    "loss:engine-003@60s+30s": AtEngine(engine="engine-003", at_ms=60_000, end_ms=90_000),
    "loss:engine-000@1.5min": AtEngine(engine="engine-000", at_ms=90_000, end_ms=IDLE),
    "slow:engine-001@10s+20s*10": AtEngine(
        engine="engine-001", at_ms=10_000, end_ms=30_000, factor=10
    ),
    "slow:engine-001@0s*1.5": AtEngine(engine="engine-001", at_ms=0, end_ms=IDLE, factor=1.5),
    "leave:0.05@2s": OfClients(share=0.05, after_ms=2_000),
    "impatient:1@250ms": OfClients(share=1, after_ms=250, is_patient_once_served=True),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_a_fault_is_read_and_written(text: str) -> None:
    assert parse_fault(text) == WRITTEN[text]
    assert parse_fault(str(WRITTEN[text])) == WRITTEN[text]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no fault. Write loss:ENGINE"),
        ("fire:engine-000@1s", "is no fault. Write loss:ENGINE"),
        ("loss:engine-000", "is no fault"),
        ("loss:engine-000@60", "is no fault"),
        ("loss:engine-000@1s+2s*3", "a lost engine has no"),
        ("slow:engine-000@1s+2s", "a slow engine needs"),
        ("slow:engine-000@1s+2s*0", "a factor of 0 is no speed"),
        ("loss:engine-000@1s+0s", "lasts for no time"),
        ("leave:5@2s", "is no fault"),
        ("leave:0@2s", "a share of 0 is nobody"),
        ("leave:0.5@2s+3s", "is no fault"),
    ],
)
def test_what_is_no_fault_is_refused_with_what_to_write(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_fault(text)


def test_faults_of_one_kind_do_not_overlap_at_an_engine() -> None:
    with pytest.raises(ValueError, match=r"loss:e@1s\+2s and loss:e@2s overlap"):
        Faults([parse_fault("loss:e@1s+2s"), parse_fault("loss:e@2s")])
    Faults([parse_fault("loss:e@1s+2s"), parse_fault("loss:e@3s"), parse_fault("slow:e@2s*2")])


def test_an_engine_that_is_not_there_is_told() -> None:
    with pytest.raises(ValueError, match=r"there is no engine-007\. Name one of engine-000"):
        fleet([asks_of("a", 1)], faults=["loss:engine-007@1s"])


def asks_of(tenant: str, count: int, *, gap_ms: float = 0.0, output_tokens: int = 20) -> list[Ask]:
    return [
        Ask(
            id=ord(tenant) * 1_000 + number,
            at_ms=number * gap_ms,
            tenant=(tenant,),
            input_tokens=32,
            output_tokens=output_tokens,
        )
        for number in range(count)
    ]


def hash_free(tenant: str, number: int) -> int:
    return ord(tenant) * 1_000 + number


def fleet(
    groups: list[list[Ask]],
    *,
    faults: list[str],
    engines: int = 1,
    policy: Policy = PRESETS["vtc"],
    settings: SimulationSettings | None = None,
    events: list[Event] | None = None,
) -> Fleet:
    asks = sorted((ask for group in groups for ask in group), key=lambda ask: (ask.at_ms, ask.id))
    small = a_workload(random.Random(1), segment_tokens=1)
    workload = Workload(name="mine", tenants=small.tenants, asks=asks, size=len(asks))

    def scheduler(made: SchedulerSettings) -> Scheduler:
        return Scheduler(made) if events is None else Recorder(made, events.append)

    return at_gateway(
        workload,
        policy,
        PROFILE,
        engines=engines,
        settings=replace(
            settings or SimulationSettings(window=4), faults=tuple(map(parse_fault, faults))
        ),
        scheduler_of=scheduler,
    )


def fates(record: RunRecord) -> Counter[Fate]:
    return Counter(Fate(fate) for fate in record.fate)


def test_what_had_produced_nothing_goes_to_another_engine_and_the_rest_fails() -> None:
    record = fleet([asks_of("a", 12)], engines=2, faults=["loss:engine-000@60ms+1s"]).run()
    told = fates(record)
    assert told[Fate.FAILED] == 4, "its window"
    assert told[Fate.COMPLETED] == 8
    # Lost in its first step, which produced nothing.
    record = fleet([asks_of("a", 12)], engines=2, faults=["loss:engine-000@1ms+1s"]).run()
    assert fates(record) == {Fate.COMPLETED: 12}


def test_an_engine_that_has_returned_serves_who_waits_with_an_empty_cache() -> None:
    ran = fleet([asks_of("a", 12)], faults=["loss:engine-000@60ms+1s"])
    record = ran.run()
    assert fates(record) == {Fate.FAILED: 4, Fate.COMPLETED: 8}
    done = [at for at, fate in zip(record.started_ms, record.fate, strict=True) if not fate]
    assert min(done) >= 1_060


def test_who_waits_for_an_engine_that_never_returns_fails_in_the_end() -> None:
    record = fleet([asks_of("a", 12)], faults=["loss:engine-000@60ms"]).run()
    assert fates(record) == {Fate.FAILED: 12}


def test_who_comes_while_no_engine_is_up_is_refused() -> None:
    record = fleet([asks_of("a", 10, gap_ms=100)], faults=["loss:engine-000@250ms+300ms"]).run()
    assert fates(record)[Fate.REFUSED] == 3, "at 300, 400 and 500 ms"


def test_who_may_wait_no_longer_is_refused_at_that_moment() -> None:
    settings = SimulationSettings(window=4, queue_wait_s_max=0.2)
    record = fleet([asks_of("a", 12)], faults=["loss:engine-000@60ms+1s"], settings=settings).run()
    refused = [at for at, f in zip(record.ended_ms, record.fate, strict=True) if f == Fate.REFUSED]
    assert refused == [200.0] * 8


def test_a_slow_engine_takes_so_many_times_as_long() -> None:
    asks = [asks_of("a", 1, output_tokens=200)]
    usual = fleet(asks, faults=[]).run().ended_ms[0]
    slow = fleet(asks, faults=["slow:engine-000@0s*3"]).run().ended_ms[0]
    assert slow == pytest.approx(3 * usual)
    half = fleet(asks, faults=["slow:engine-000@0.2s+0.4s*4"]).run().ended_ms[0]
    # Within the step in which it begins or ends.
    assert half == pytest.approx(usual + 0.75 * 400, abs=40)


def test_that_share_of_the_clients_leaves() -> None:
    groups = [asks_of("a", 400, gap_ms=100, output_tokens=40)]
    record = fleet(groups, faults=["leave:0.25@50ms"]).run()
    assert 70 <= fates(record)[Fate.LEFT] <= 130
    left = [
        ended - arrived
        for ended, arrived, fate in zip(
            record.ended_ms, record.arrived_ms, record.fate, strict=True
        )
        if fate == Fate.LEFT
    ]
    assert left == pytest.approx([50.0] * len(left))
    assert any(record.output_tokens[n] for n, f in enumerate(record.fate) if f == Fate.LEFT)
    again = fleet(groups, faults=["leave:0.25@50ms"]).run()
    assert list(again.fate) == list(record.fate)


def test_who_is_impatient_stays_once_something_has_come() -> None:
    record = fleet([asks_of("a", 60)], faults=["impatient:1@100ms"]).run()
    told = fates(record)
    assert told[Fate.LEFT] > 20
    assert told[Fate.COMPLETED] >= 4
    for first_ms, fate in zip(record.first_token_ms, record.fate, strict=True):
        assert (fate == Fate.LEFT) == (first_ms < 0)


# What holds whatever goes wrong.


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_ask_has_one_ending_and_every_charge_is_what_was_used(preset: str) -> None:
    policy = compose(preset)
    for seed in range(25):
        run = at_gateway_run(policy, seed=seed, segment_tokens=16)
        record = run.record
        assert sorted(record.ask) == [ask.id for ask in run.asks]
        settlements = [e.answer for e in run.events if isinstance(e.answer, Settlement)]
        assert all(settlement.units >= 0 for settlement in settlements)
        units = {str(s.request.id): s.units for s in settlements}
        for row, ask_id in enumerate(record.ask):
            if record.fate[row] != Fate.COMPLETED:
                continue
            assert record.output_tokens[row] == record.asked_output_tokens[row]
            usage = Usage(
                record.input_tokens[row], record.output_tokens[row], record.cached_tokens[row]
            )
            if policy.cost.name == "weighted-tokens":
                assert units[str(ask_id)] == TokenWeights().of(usage)


@pytest.mark.parametrize("preset", ["vtc", "dlpm", "fcfs"])
def test_no_slot_is_free_while_somebody_waits_for_it_and_all_is_refunded(preset: str) -> None:
    policy, moments = compose(preset), 0
    for seed in range(25):
        dice = random.Random(seed)
        made: list[Scheduler] = []

        def scheduler(settings: SchedulerSettings, made: list[Scheduler] = made) -> Scheduler:
            made.append(Scheduler(settings))
            return made[0]

        ran = at_gateway(
            a_workload(dice, segment_tokens=16),
            policy,
            PROFILE,
            engines=3,
            settings=SimulationSettings(window=2, charge_every_ms=10, faults=some_faults(dice, 3)),
            scheduler_of=scheduler,
        )
        core = made[0]

        def watch(
            now_ms: float, record: RunRecord, core: Scheduler = core, ran: Fleet = ran
        ) -> None:
            nonlocal moments
            moments += 1
            free = [e.name for e in core.capacity.engines.values() if e.has_slot]
            assert not (free and core.backlog.requests), f"at {now_ms} {free} idle"
            running = sum(e.in_flight for e in core.capacity.engines.values())
            assert running == sum(len(engine.running()) for engine in ran.engines) + (
                ran.host.waiting() - core.backlog.requests
            )

        ran.run(watch)
        assert core.open_requests() == 0
        assert core.open_units() == 0
        assert all(e.in_flight == 0 for e in core.capacity.engines.values())
    assert moments > 1_000
