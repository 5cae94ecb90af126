"""A random history with several engines, models and tenants, for any policy; its decisions as text."""

import random

from evenhand.model import (
    EngineName,
    InteractionId,
    ModelName,
    Outcome,
    Request,
    RequestId,
    TrustDomain,
    Usage,
)
from evenhand.scheduling import Policy, Scheduler, SchedulerSettings, TenantShare

ENGINES = {"a": ["m", "n"], "b": ["m"], "c": ["m", "n"], "d": ["n"], "e": ["m", "n"]}
WAITING_MAX = 25


class PlacementHistory:
    """Checks at each step that what starts may run there, and that no slot is free for who waits."""

    def __init__(self, policy: Policy, seed: int) -> None:
        self.dice = random.Random(seed)
        tenants = tuple(TenantShare(name=name, weight=w) for w, name in enumerate("xyz", start=1))
        self.core = Scheduler(
            SchedulerSettings(tenants=tenants, policy=policy, forget_after_ms=60_000)
        )
        self.now_ms = self.count = 0
        self.waiting: dict[RequestId, Request] = {}
        self.running: dict[RequestId, Request] = {}
        self.decisions: list[str] = []
        for name in ENGINES:
            self.engine_changes(name, 2)

    def run(self, steps: int) -> str:
        """The decisions, one after the other."""
        for _ in range(steps):
            act = self.dice.choice(
                [self.arrives] * 6 + [self.ends] * 5 + [self.fails, self.is_cancelled, self.loses]
            )
            act()
            if self.dice.random() < 0.02:
                self.engine_changes(self.dice.choice(list(ENGINES)), self.dice.choice([0, 1, 4]))
            self.now_ms += self.dice.randint(0, 50)
            self.start()
        self.drain()
        return " ".join(self.decisions)

    def drain(self) -> None:
        for name in ENGINES:
            self.engine_changes(name, 4)
        self.start()
        while self.running:
            self.ends()
            self.start()
        assert not self.waiting

    def arrives(self) -> None:
        if len(self.waiting) >= WAITING_MAX:
            return
        self.count += 1
        dice = self.dice
        letters = bytes(dice.choices(b"pqr", k=dice.randint(0, 5)))
        request = Request(
            id=RequestId(str(self.count)),
            tenant=(dice.choice("xyz"),),
            model=ModelName(dice.choice("mn")),
            body_bytes=10,
            prompt_tokens=dice.choice([1, 100, 2_000]),
            output_tokens_max=100,
            queue_wait_ms_max=10**9,
            interaction=InteractionId(dice.choice(["", "", "one", "two"])),
            prefix=b"".join(bytes([letter]) * 100 for letter in letters),
            trust_domain=TrustDomain(dice.choice(["s", "t"])),
        )
        if self.core.submit(request, self.now_ms).refused is None:
            self.waiting[request.id] = request

    def start(self) -> None:
        while True:
            free = {e.name for e in self.core.capacity.engines.values() if e.has_slot}
            started = self.core.next(self.now_ms)
            if started is None:
                break
            request = started.request
            assert request.model in ENGINES[started.engine]
            assert started.engine in free
            self.decisions.append(f"{request.id}:{started.engine}")
            self.running[request.id] = self.waiting.pop(request.id)
        for request_id in self.waiting:
            pool = self.core._tickets[request_id].pool
            assert not free.intersection(pool.engines), "a slot is free and somebody waits for it"

    def ends(self) -> None:
        if self.running:
            request = self.running.pop(self.dice.choice(list(self.running)))
            assert request.prompt_tokens is not None
            usage = Usage(request.prompt_tokens, self.dice.randint(0, 100), 0)
            self.core.settle(request.id, usage, Outcome.COMPLETED, self.now_ms)

    def fails(self) -> None:
        if self.running:
            request_id = self.dice.choice(list(self.running))
            if self.core.try_again_elsewhere(request_id, self.now_ms):
                self.waiting[request_id] = self.running.pop(request_id)

    def is_cancelled(self) -> None:
        if self.waiting:
            request_id = self.dice.choice(list(self.waiting))
            del self.waiting[request_id]
            self.core.cancel(request_id, self.now_ms)

    def loses(self) -> None:
        prefix = self.dice.choice(b"pqr").to_bytes() * 100
        self.core.evicted(EngineName(self.dice.choice("abcde")), prefix, TrustDomain("s"))

    def engine_changes(self, name: str, window: int) -> None:
        models = [ModelName(model) for model in ENGINES[name]]
        self.core.engine_changed(EngineName(name), window=window, models=models)
