"""F14: the scheduler picks as the plain reference does, over long random runs of everything at once."""

import os
import random
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, TrustDomain, Usage
from evenhand.scheduling import (
    QueueLimits,
    Scheduler,
    SchedulerSettings,
    TenantShare,
    TokenWeights,
    compose,
    tenant_paths,
)
from evenhand.scheduling.node import Node
from evenhand.scheduling.order.round import Round
from support.reference_dlpm import ReferenceDlpm

EVENTS = int(os.environ.get("EVENHAND_EVENTS", "10000"))
"""In each run; nightly many more."""
COST = TokenWeights(input=10, cached_input=1, output=20)
AGE_S = 2
QUANTUM_TOKENS = 60
ONE_ENGINE: dict[str, tuple[str, ...]] = {"e1": ("m1",)}
ENGINES: dict[str, tuple[str, ...]] = {"e1": ("m1",), "e2": ("m1", "m2"), "e3": ("m1", "m2")}
WEIGHTS = [1, 1, 2, 3, 7]
FLAT = tuple(TenantShare(name=f"t{i}", weight=WEIGHTS[i % 5]) for i in range(12))
DEEP = tuple(
    TenantShare(name=f"o{i}", weight=WEIGHTS[i], children=FLAT[: 1 + 2 * i]) for i in range(4)
)

Event = tuple[str, tuple[Any, ...], dict[str, Any], Any]
"""A call of the surface, and what it answered."""


class Host:
    """Drives a scheduler at random, and writes down what it called and what came back."""

    def __init__(
        self, scheduler: Scheduler, engines: dict[str, tuple[str, ...]], seed: int
    ) -> None:
        self.scheduler, self.engines = scheduler, engines
        self.dice = random.Random(seed)
        self.log: list[Event] = []
        self.waiting: dict[RequestId, Request] = {}
        self.running: dict[RequestId, Request] = {}
        self.leaves = list(tenant_paths(scheduler.settings.tenants))
        self.models = sorted({ModelName(m) for models in engines.values() for m in models})
        self.now_ms = self.count = 0
        for name in engines:
            self.window(name, 2)

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        answer = getattr(self.scheduler, name)(*args, **kwargs)
        self.log.append((name, args, kwargs, answer))
        return answer

    def run(self, events: int) -> list[Event]:
        actions: list[tuple[int, Callable[[], object]]] = [
            (30, self.submit),
            (24, self.start),
            (14, self.produce),
            (20, self.settle),
            (3, self.cancel),
            (2, self.fail),
            (2, self.evict),
            (1, lambda: self.window(self.dice.choice(list(self.engines)), self.dice.randrange(4))),
            (1, self.pause),
        ]
        weights = [weight for weight, _ in actions]
        while len(self.log) < events:
            self.dice.choices(actions, weights)[0][1]()
        return self.log

    def window(self, name: str, window: int) -> None:
        models = [ModelName(m) for m in self.engines[name]]
        self.call("engine_changed", EngineName(name), window=window, models=models)

    def submit(self) -> None:
        if len(self.waiting) >= 30:
            return
        self.count += 1
        dice = self.dice
        # Few leaves at a time, so that they come, leave and come back.
        busy = self.leaves[self.count // 200 % 3 :: 3] or self.leaves
        request = Request(
            id=RequestId(f"r{self.count}"),
            tenant=dice.choice(busy),
            model=dice.choice(self.models),
            body_bytes=1,
            prompt_tokens=dice.choice([1, 20, 200]),
            queue_wait_ms_max=10**9,
            prefix="".join(dice.choices("ab", k=dice.randrange(7))).encode(),
            trust_domain=TrustDomain(dice.choice("xy")),
        )
        if self.call("submit", request, self.now_ms).refused is None:
            self.waiting[request.id] = request

    def start(self) -> None:
        started = self.call("next", self.now_ms)
        if started is not None:
            self.running[started.request.id] = self.waiting.pop(started.request.id)

    def produce(self) -> None:
        if self.running:
            request_id = self.dice.choice(list(self.running))
            self.call("produced", request_id, self.dice.randrange(9), self.now_ms)

    def settle(self) -> None:
        if not self.running:
            return
        request = self.running.pop(self.dice.choice(list(self.running)))
        tokens = request.prompt_tokens or 0
        produced = self.dice.randrange(30)
        usage = Usage(tokens, produced, self.dice.choice([0, tokens // 2, tokens]))
        self.call("settle", request.id, usage, Outcome.COMPLETED, self.now_ms)

    def cancel(self) -> None:
        if self.waiting:
            request_id = self.dice.choice(list(self.waiting))
            del self.waiting[request_id]
            self.call("cancel", request_id, self.now_ms)

    def fail(self) -> None:
        if self.running:
            request_id = self.dice.choice(list(self.running))
            if self.call("try_again_elsewhere", request_id, self.now_ms):
                self.waiting[request_id] = self.running.pop(request_id)

    def evict(self) -> None:
        engine = EngineName(self.dice.choice(list(self.engines)))
        if self.dice.random() < 0.1:
            self.call("restarted", engine)
        else:
            prefix = "".join(self.dice.choices("ab", k=self.dice.randrange(1, 5))).encode()
            self.call("evicted", engine, prefix, TrustDomain(self.dice.choice("xy")))

    def pause(self) -> None:
        self.now_ms += self.dice.choice([10, 300, 1_500])


def record(
    preset: str,
    tenants: tuple[TenantShare, ...],
    engines: dict[str, tuple[str, ...]],
    events: int,
) -> list[Event]:
    settings = {"quantum_tokens": QUANTUM_TOKENS}
    if preset == "dlpm":
        settings["prefix_age_s"] = AGE_S
    scheduler = Scheduler(
        SchedulerSettings(
            tenants=tenants,
            policy=compose(preset, prediction="none", settings=settings),
            cost=COST,
            limits=QueueLimits(requests_max=10**6),
        )
    )
    return Host(scheduler, engines, seed=1).run(events)


def first_difference(
    log: list[Event], preset: str, tenants: tuple[TenantShare, ...]
) -> tuple[int, Any, Any] | None:
    """Where the reference picks otherwise: the place in the log, its answer, and the scheduler's."""
    reference = ReferenceDlpm(
        tenants,
        COST,
        quantum_units=QUANTUM_TOKENS * COST.input,
        age_ms=AGE_S * 1_000,
        is_ring=preset == "drr",
    )
    for place, (name, args, kwargs, answer) in enumerate(log):
        theirs = getattr(reference, name)(*args, **kwargs)
        if name == "next":
            ours = None if answer is None else (answer.request.id, answer.engine)
        elif name == "try_again_elsewhere":
            ours = answer
        else:
            continue
        if ours != theirs:
            return place, theirs, ours
    return None


@pytest.mark.timeout(600)
@pytest.mark.parametrize("preset", ["dlpm", "drr"])
@pytest.mark.parametrize("tenants", [FLAT, DEEP], ids=["flat", "deep"])
@pytest.mark.parametrize("engines", [ONE_ENGINE, ENGINES], ids=["one engine", "three"])
def test_every_pick_is_that_of_the_reference(
    preset: str, tenants: tuple[TenantShare, ...], engines: dict[str, tuple[str, ...]]
) -> None:
    log = record(preset, tenants, engines, EVENTS)
    assert first_difference(log, preset, tenants) is None
    picks = sum(name == "next" and answer is not None for name, _, _, answer in log)
    assert picks > EVENTS // 8, "most of what was called did something"


def caught() -> bool:
    """Whether the scheduler as it is now picks otherwise, or finds itself out."""
    try:
        log = record("dlpm", DEEP, ENGINES, EVENTS)
    except AssertionError:
        return True
    return first_difference(log, "dlpm", DEEP) is not None


def test_control_of_a_refund_that_nobody_tells_is_caught() -> None:
    with patch.object(Round, "refunded", lambda self, child: False):
        assert caught()


def test_control_of_a_level_that_is_never_lowered_is_caught() -> None:
    real = Round.begin_pick

    def never_lower(self: Round, least: int) -> Iterator[Node]:
        before = self._level
        yield from real(self, least)
        if before is not None and self._pick_level is not None:
            self._pick_level = max(before, self._pick_level)

    with patch.object(Round, "begin_pick", never_lower):
        assert caught()
