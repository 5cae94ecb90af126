"""D2LPM's placement beside a plain reference, event by event, over long random histories."""

import os
import random

import pytest

from evenhand.model import (
    EngineName,
    ModelName,
    Outcome,
    Request,
    RequestId,
    TrustDomain,
    Usage,
)
from evenhand.scheduling import (
    Scheduler,
    SchedulerSettings,
    SetWeight,
    TenantShare,
    TokenWeights,
    TreePlan,
    compose,
)
from support.reference_d2lpm import BLOCK, ReferenceD2lpm

EVENTS = 400_000 if os.environ.get("EVENHAND_EXPLORE") else 100_000
ENGINES = ["a", "b", "c", "d"]
MODELS = {"small": ["a", "b", "c"], "large": ["b", "c", "d"]}
TENANTS = {"one": 1, "two": 2, "three": 3}
COST = TokenWeights(input=10, cached_input=1, output=20)
QUANTUM_TOKENS = 700
WAITING_MAX = 30


class History:
    """The same calls to the core and to the reference, at random."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        policy = compose(
            "d2lpm", prediction="none", settings={"engine_quantum_tokens": QUANTUM_TOKENS}
        )
        tenants = tuple(TenantShare(name=name, weight=w) for name, w in TENANTS.items())
        self.core = Scheduler(
            SchedulerSettings(tenants=tenants, policy=policy, cost=COST, forget_after_ms=10**12)
        )
        self.reference = ReferenceD2lpm(
            dict(TENANTS),
            input_units=COST.input,
            output_units=COST.output,
            quantum=QUANTUM_TOKENS * COST.input,
        )
        self.now_ms = self.events = self.submitted = self.elsewhere = 0
        self.waiting: dict[RequestId, Request] = {}
        self.running: dict[RequestId, int] = {}
        for name in ENGINES:
            self.engine_changes(name, window=3)

    def step(self) -> None:
        act = self.dice.choices(
            [self.arrives, self.starts, self.produces, self.ends, self.is_cancelled, self.fails,
             self.is_evicted, self.engine_joins_or_leaves, self.weight_changes, self.time_passes],
            [30, 40, 20, 25, 3, 3, 8, 1, 1, 10],
        )[0]  # fmt: skip
        act()

    def arrives(self) -> None:
        if len(self.waiting) >= WAITING_MAX:
            return
        self.submitted += 1
        dice = self.dice
        blocks = bytes(dice.choices(b"abc", k=dice.randint(0, 4)))
        request = Request(
            id=RequestId(str(self.submitted)),
            tenant=(dice.choice(list(TENANTS)),),
            model=ModelName(dice.choice(list(MODELS))),
            body_bytes=10,
            prompt_tokens=dice.choice([1, 50, 400]),
            output_tokens_max=100,
            queue_wait_ms_max=dice.choice([2_000, 10**9]),
            prefix=b"".join(bytes([letter]) * BLOCK for letter in blocks),
        )
        if self.core.submit(request, self.now_ms).refused is None:
            self.waiting[request.id] = request
            self.reference.submitted(request)
            self.same_home(request.id)
            self.events += 1

    def starts(self) -> None:
        start = self.core.next(self.now_ms)
        if start is None:
            return
        request = start.request
        home = self.reference.open[request.id].home
        expected = self.reference.started(request.id)
        assert start.engine == expected, f"event {self.events}: not to {start.engine}"
        self.elsewhere += home != expected
        del self.waiting[request.id]
        self.running[request.id] = 0
        self.events += 1

    def produces(self) -> None:
        if self.running:
            request_id = self.dice.choice(list(self.running))
            tokens = self.dice.randint(0, 30)
            self.running[request_id] += tokens
            self.core.produced(request_id, tokens, self.now_ms)
            self.events += 1

    def ends(self) -> None:
        if self.running:
            request_id = self.dice.choice(list(self.running))
            produced = self.running.pop(request_id) + self.dice.randint(0, 20)
            usage = Usage(50, produced, 10)
            self.core.settle(request_id, usage, Outcome.COMPLETED, self.now_ms)
            self.reference.settled(request_id, produced)
            self.events += 1

    def is_cancelled(self) -> None:
        if self.waiting:
            request_id = self.dice.choice(list(self.waiting))
            del self.waiting[request_id]
            self.core.cancel(request_id, self.now_ms)
            self.reference.left(request_id)
            self.events += 1

    def fails(self) -> None:
        if self.running:
            request_id = self.dice.choice(list(self.running))
            one = self.reference.open[request_id]
            if self.core.try_again_elsewhere(request_id, self.now_ms):
                self.reference.tries_again(request_id, self.running.pop(request_id))
                self.waiting[request_id] = one.request
                self.same_home(request_id)
            self.events += 1

    def is_evicted(self) -> None:
        name = EngineName(self.dice.choice(ENGINES))
        held = sorted(self.reference.held[name])
        if held:
            # From the first byte of its last block on.
            prefix = self.dice.choice(held)[: 1 - BLOCK]
            self.core.evicted(name, prefix, TrustDomain(""))
            self.reference.evicted(name, prefix)
            self.events += 1

    def engine_joins_or_leaves(self) -> None:
        self.engine_changes(self.dice.choice(ENGINES), window=self.dice.choice([0, 1, 3, 6]))

    def engine_changes(self, name: str, window: int) -> None:
        models = {ModelName(model) for model, engines in MODELS.items() if name in engines}
        self.core.engine_changed(EngineName(name), window=window, models=models)
        self.reference.engine_changed(EngineName(name), window, set(models))
        for request_id in self.waiting:
            self.same_home(request_id)
        self.events += 1

    def weight_changes(self) -> None:
        name, weight = self.dice.choice(list(TENANTS)), self.dice.randint(1, 5)
        plan = self.core.plan([SetWeight((name,), weight)])
        assert isinstance(plan, TreePlan)
        self.core.apply(plan)
        self.reference.weights[name] = weight
        self.events += 1

    def time_passes(self) -> None:
        self.now_ms += self.dice.randint(0, 300)
        for refusal in self.core.expire(self.now_ms):
            del self.waiting[refusal.request.id]
            self.reference.left(refusal.request.id)
            self.events += 1

    def same_home(self, request_id: RequestId) -> None:
        home = self.core._tickets[request_id].home
        assert home == self.reference.open[request_id].home, f"event {self.events}: {request_id}"


@pytest.mark.parametrize("seed", [1, 2])
def test_every_home_and_every_start_is_where_the_reference_says(seed: int) -> None:
    history = History(seed)
    while history.events < EVENTS // 2:
        history.step()
    assert history.elsewhere > EVENTS // 100, "late binding took some elsewhere"
