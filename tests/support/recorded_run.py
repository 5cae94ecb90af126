"""A long seeded run of a scheduler, recorded: tenants come and go, clients leave, engines fail.

Every tenant sends in phases of its own, busy ones and idle ones, so that there is always somebody who
begins to wait anew; now and then nobody waits at all.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from evenhand.model import (
    ApplicationName,
    EngineName,
    ModelName,
    Outcome,
    Request,
    RequestId,
    TenantPath,
    Usage,
)
from evenhand.scheduling import SchedulerSettings, tenant_paths
from evenhand.scheduling.recorder import Event, Recorder

Arrival = Callable[[random.Random, RequestId, TenantPath], Request]
"""Draws the next request of a tenant."""

ONE_ENGINE = {"e1": ("m1",)}
WAITING_MAX = 60
_ENDINGS = [Outcome.COMPLETED] * 6 + [Outcome.CANCELLED_RUNNING, Outcome.ENGINE_FAILED]
_STEPS = ["arrive"] * 8 + ["produce"] * 8 + ["settle"] * 5 + ["cancel", "fail", "window"]
_INSIDE = ["counted", "counted", "preempt", "hold"]


def any_request(dice: random.Random, request_id: RequestId, tenant: TenantPath) -> Request:
    """Short and long, of three applications, with and without a limit; of one model."""
    return Request(
        id=request_id,
        tenant=tenant,
        model=ModelName("m1"),
        body_bytes=100,
        prompt_bytes=dice.randrange(400),
        prompt_tokens=dice.choice([None, 0, 7, dice.randrange(300)]),
        output_tokens_max=dice.choice([None, 10, 100]),
        output_tokens_true=dice.randrange(100),
        choices=dice.choice([1, 1, 1, 2]),
        queue_wait_ms_max=dice.choice([1_000, 60_000, 60_000]),
        application=ApplicationName(dice.choice(["chat", "chat", "search", "batch"])),
    )


@dataclass
class _Run:
    recorder: Recorder
    dice: random.Random
    arrival: Arrival
    engines: Mapping[str, tuple[str, ...]]
    leaves: list[TenantPath]
    steps: list[str] = field(default_factory=lambda: _STEPS)
    now_ms: int = 0
    count: int = 0
    busy: set[TenantPath] = field(default_factory=set)
    waiting: dict[RequestId, Request] = field(default_factory=dict)
    running: dict[RequestId, int] = field(default_factory=dict)
    """What each has produced."""
    preempted: dict[RequestId, int] = field(default_factory=dict)
    """The same of those that wait again."""

    def step(self) -> None:
        dice = self.dice
        self.now_ms += dice.choice([0, 1, 5, 40, 200])
        if dice.random() < 0.02:
            self.busy = {leaf for leaf in self.leaves if dice.random() < dice.choice([0, 0.5, 0.9])}
        getattr(self, dice.choice(self.steps))()
        while (start := self.recorder.next(self.now_ms)) is not None:
            del self.waiting[start.request.id]
            self.running[start.request.id] = self.preempted.pop(start.request.id, 0)
        soonest_ms = self.recorder.next_expiry_ms()
        if soonest_ms is not None and soonest_ms <= self.now_ms:
            for refusal in self.recorder.expire(self.now_ms):
                del self.waiting[refusal.request.id]

    def arrive(self) -> None:
        if not self.busy or len(self.waiting) >= WAITING_MAX:
            return
        self.count += 1
        tenant = self.dice.choice(sorted(self.busy))
        request = self.arrival(self.dice, RequestId(f"r{self.count}"), tenant)
        if self.recorder.start_at_once(request, self.now_ms) is not None:
            self.running[request.id] = 0
            return
        submission = self.recorder.submit(request, self.now_ms)
        if submission.refused is None:
            self.waiting[request.id] = request
        for refusal in submission.shed:
            del self.waiting[refusal.request.id]

    def produce(self) -> None:
        if self.running:
            request_id, tokens = self.dice.choice(list(self.running)), self.dice.randrange(1, 30)
            self.running[request_id] += tokens
            self.recorder.produced(request_id, tokens, self.now_ms)

    def settle(self) -> None:
        if self.running:
            request_id = self.dice.choice(list(self.running))
            produced = self.running.pop(request_id)
            input_tokens = self.dice.choice([0, 20, 250])
            cached = self.dice.choice([0, 0, input_tokens // 2])
            usage = Usage(input_tokens, produced, cached, is_estimate=self.dice.random() < 0.1)
            self.recorder.settle(request_id, usage, self.dice.choice(_ENDINGS), self.now_ms)

    def cancel(self) -> None:
        if self.waiting:
            request_id = self.dice.choice(list(self.waiting))
            del self.waiting[request_id]
            produced = self.preempted.pop(request_id, None)
            if produced is None:
                self.recorder.cancel(request_id, self.now_ms)
            else:
                usage = Usage(20, produced)
                self.recorder.settle(request_id, usage, Outcome.CANCELLED_RUNNING, self.now_ms)

    def fail(self) -> None:
        if self.running:
            request_id = self.dice.choice(list(self.running))
            if self.recorder.try_again_elsewhere(request_id, self.now_ms):
                ticket = self.recorder._tickets[request_id]
                self.waiting[request_id] = ticket.request
                del self.running[request_id]

    def elsewhere(self) -> None:
        tenant, units = self.dice.choice(self.leaves), self.dice.choice([1, 300, 5_000])
        self.recorder.charged_elsewhere(tenant, units, self.now_ms)

    def counted(self) -> None:
        if self.running:
            tokens = self.dice.choice([0, 20, 250])
            request_id = self.dice.choice(list(self.running))
            self.recorder.prompt_counted(request_id, tokens, tokens // 2, self.now_ms)

    def preempt(self) -> None:
        for request_id in list(self.running)[-self.dice.randrange(4) :]:
            self.waiting[request_id] = self.recorder._tickets[request_id].request
            self.preempted[request_id] = self.running.pop(request_id)
            self.recorder.preempted(request_id, self.now_ms)

    def hold(self) -> None:
        tell = self.dice.choice([self.recorder.hold_back, self.recorder.let_go])
        tell(self.dice.choice(self.leaves))

    def window(self) -> None:
        name = self.dice.choice(sorted(self.engines))
        self.change(name, self.dice.choice([0, 1, 3, 6]))

    def change(self, name: str, window: int) -> None:
        models = [ModelName(model) for model in self.engines[name]]
        self.recorder.engine_changed(EngineName(name), window=window, models=models)


def drive(
    recorder: Recorder,
    *,
    seed: int,
    steps: int,
    arrival: Arrival = any_request,
    engines: Mapping[str, tuple[str, ...]] = ONE_ENGINE,
    has_neighbours: bool = False,
    is_inside: bool = False,
) -> None:
    """So many steps; each is a few calls. `has_neighbours`: other gateways tell what they charge.
    `is_inside`: the host is an engine's own scheduler."""
    dice, leaves = random.Random(seed), list(tenant_paths(recorder.settings.tenants))
    run = _Run(recorder, dice, arrival, engines, leaves)
    run.steps = [*_STEPS, *["elsewhere"] * has_neighbours, *_INSIDE * is_inside]
    for name in sorted(engines):
        run.change(name, 4)
    for _ in range(steps):
        run.step()


def recorded(
    settings: SchedulerSettings,
    *,
    seed: int,
    steps: int,
    arrival: Arrival = any_request,
    engines: Mapping[str, tuple[str, ...]] = ONE_ENGINE,
    has_neighbours: bool = False,
    is_inside: bool = False,
) -> list[Event]:
    """The log of such a run."""
    log: list[Event] = []
    recorder = Recorder(settings, log.append)
    drive(
        recorder,
        seed=seed,
        steps=steps,
        arrival=arrival,
        engines=engines,
        has_neighbours=has_neighbours,
        is_inside=is_inside,
    )
    return log
