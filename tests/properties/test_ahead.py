"""`ahead` names what `next` then starts, and asking, however often, changes no decision."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from unittest.mock import patch

import pytest

from evenhand.model import (
    EngineName,
    InteractionId,
    LaneName,
    ModelName,
    Request,
    RequestId,
    TenantPath,
    TrustDomain,
)
from evenhand.scheduling import (
    PRESETS,
    Lane,
    Node,
    Scheduler,
    SchedulerSettings,
    Start,
    TenantShare,
    compose,
)
from evenhand.scheduling.openings import Openings
from evenhand.scheduling.order.by_turns import ByTurns
from evenhand.scheduling.order.round import Round
from evenhand.scheduling.recorder import Event, Recorder
from evenhand.scheduling.ticket import Ticket
from evenhand.scheduling.tree_change import SetWeight, TreePlan
from support.recorded_run import any_request, drive

ENGINES = {"e1": ("m1",), "e2": ("m1", "m2"), "e3": ("m2",)}
STEPS = 1_500
TENANTS = (
    TenantShare(name="a", weight=3),
    TenantShare(name="b"),
    TenantShare(name="c", weight=2, children=(TenantShare(name="x"), TenantShare(name="y"))),
)
LANES = (
    Lane(name=LaneName("fast"), ageing_ms=300, ceiling_percent=50),
    Lane(name=LaneName("slow"), floor_percent=30),
)
SMALL_QUANTA = {"quantum_tokens": 100, "engine_quantum_tokens": 100}
"""So that rounds end all the time."""


class Hesitant(Recorder):
    """Its host sees a slot and somebody who waits, and often starts nobody, as an engine does when the
    next request does not fit."""

    def __init__(
        self, settings: SchedulerSettings, sink: Callable[[Event], None], seed: int
    ) -> None:
        super().__init__(settings, sink)
        self.dice = random.Random(seed)

    def next(self, now_ms: int) -> Start | None:
        return super().next(now_ms) if self.dice.random() < 0.4 else None


def a_log(
    preset: str, *, seed: int, lanes: tuple[Lane, ...] = ()
) -> tuple[SchedulerSettings, list[Event]]:
    """Several pools, shared prefixes, interactions, and weights that change."""
    dials = {dial.name for dial in PRESETS[preset].parameters()}
    quanta = {name: tokens for name, tokens in SMALL_QUANTA.items() if name in dials}
    policy = compose(preset, settings=quanta)
    settings = SchedulerSettings(tenants=TENANTS, policy=policy, lanes=lanes)
    log: list[Event] = []
    recorder = Hesitant(settings, log.append, seed)

    def arrival(dice: random.Random, request_id: RequestId, tenant: TenantPath) -> Request:
        if dice.random() < 0.02:
            plan = recorder.plan([SetWeight(("a",), dice.randrange(1, 5))])
            assert isinstance(plan, TreePlan)
            recorder.apply(plan)
        if dice.random() < 0.02:
            prefix = b"shared %d " % dice.randrange(3) if dice.random() < 0.5 else b""
            engine = EngineName(dice.choice(sorted(ENGINES)))
            recorder.evicted(engine, prefix, TrustDomain(""))
        return replace(
            any_request(dice, request_id, tenant),
            model=ModelName(dice.choice(["m1", "m2"])),
            lane=LaneName(dice.choice(["fast", "slow"])) if lanes else LaneName("default"),
            interaction=InteractionId(dice.choice(["", "i1", "i2"])),
            prefix=b"shared %d " % dice.randrange(3) * 20 + b"own %d" % dice.randrange(20),
        )

    drive(recorder, seed=seed, steps=STEPS, arrival=arrival, engines=ENGINES, has_neighbours=True)
    return settings, log


def differing(settings: SchedulerSettings, log: list[Event], *, every: int = 1) -> int:
    """Replays a log, asks who is next before every `every`th call and before each `next`, and counts
    starts whose name was another, and answers that differ. Stops at the first."""
    core, now_ms = Scheduler(settings), 0
    for number, (method, arguments, answer) in enumerate(log):
        if "now_ms" in arguments:
            now_ms = int(str(arguments["now_ms"]))
        ahead = core.ahead(now_ms) if number % every == 0 or method == "next" else None
        now = getattr(core, method)(**arguments)
        if now != answer:
            return 1
        if method == "next":
            named = None if ahead is None else ahead.id
            if named != (now.request.id if isinstance(now, Start) else None):
                return 1
    return 0


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_asking_who_is_next_changes_nothing(preset: str) -> None:
    starts = 0
    for seed in range(3):
        settings, log = a_log(preset, seed=seed)
        assert not differing(settings, log)
        assert not differing(settings, log, every=7)
        starts += sum(isinstance(event.answer, Start) for event in log)
    assert starts > 200
    settings, log = a_log(preset, seed=9, lanes=LANES)
    assert not differing(settings, log)


# Negative controls.


def committed_when_asked(self: Round, least: int) -> Iterator[Node]:
    yield from BEGIN_PICK(self, least)
    self.started()


BEGIN_PICK = Round.begin_pick


@pytest.mark.parametrize("preset", ["dlpm", "drr"])
def test_control_a_round_that_begins_when_asked_is_seen(preset: str) -> None:
    with patch.object(Round, "begin_pick", committed_when_asked):
        assert any(differing(*a_log(preset, seed=seed)) for seed in range(10))


def test_control_a_turn_that_is_counted_when_asked_is_seen() -> None:
    ask = ByTurns.next

    def count_it(self: ByTurns, openings: Openings, now_ms: int) -> Ticket:
        ticket = ask(self, openings, now_ms)
        self.started(ticket)
        return ticket

    settings, log = a_log("round-robin", seed=0)
    with patch.object(ByTurns, "next", count_it):
        assert differing(settings, log)
