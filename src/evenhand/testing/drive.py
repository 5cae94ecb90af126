"""A host made of dice: it calls a scheduler as a gateway would, and keeps books of its own."""

from dataclasses import dataclass, field
from random import Random

from evenhand.model import EngineName, Outcome, Request, RequestId, TenantPath, Usage
from evenhand.scheduling import (
    Policy,
    QueueLimits,
    Refusal,
    Scheduler,
    SchedulerSettings,
    tenant_paths,
)
from evenhand.scheduling.pool import ONE_LANE
from evenhand.testing.broken_promise import require
from evenhand.testing.promises import (
    conserves_charges,
    conserves_work,
    keeps_nothing,
    stays_within_its_bound,
)
from evenhand.testing.scene import Scene, draw_request

_LIMITS = QueueLimits(requests_max=60, bytes_max=60_000, tenant_requests_max=30)
_REFUSALS = frozenset(
    {
        Outcome.NO_ENGINE,
        Outcome.QUEUE_FULL,
        Outcome.RATE_LIMITED,
        Outcome.SHED,
        Outcome.TENANT_QUEUE_FULL,
        Outcome.THROTTLED,
    }
)
_ONLY_WAITING = "only waiting requests start, where they can run"
_HONEST = "who is refused is told why and when to come back"


@dataclass(slots=True)
class _Running:
    request: Request
    engine: EngineName
    produced_tokens: int = 0


@dataclass(frozen=True, slots=True)
class _Habit:
    """How often a tenant sends beside others, and how many of its requests are large."""

    rate: int
    large_share: float


@dataclass(slots=True)
class Drive:
    """One run. `trace` has every decision in order, to compare two runs by. `asks_ahead`: it asks who is
    next before every event and every start."""

    policy: Policy
    scene: Scene
    dice: Random
    asks_ahead: bool = False
    trace: list[tuple[object, ...]] = field(default_factory=list)
    steps: int = 0
    _now_ms: int = 0
    _count: int = 0
    _settled_units: int = 0
    _waiting: dict[RequestId, Request] = field(default_factory=dict)
    _running: dict[RequestId, _Running] = field(default_factory=dict)
    _failed_at: dict[RequestId, EngineName] = field(default_factory=dict)
    _windows: dict[EngineName, int] = field(default_factory=dict)
    _scheduler: Scheduler = field(init=False)
    _senders: dict[TenantPath, _Habit] = field(default_factory=dict)
    """Those who send at this time; the others idle."""

    def __post_init__(self) -> None:
        settings = SchedulerSettings(
            tenants=self.scene.tenants,
            policy=self.policy,
            limits=_LIMITS,
            output_tokens_default=50,
            lanes=self.scene.lanes,
        )
        self._scheduler = Scheduler(settings)
        self._change_who_sends()
        for name in self.scene.engines:
            self._set_window(name, self.scene.window_max)

    def step(self) -> None:
        """One event, what follows from it, and all promises."""
        self.steps += 1
        self._ask_ahead()
        events = {
            self._arrive: 40,
            self._produce: 20,
            self._settle: 25,
            self._leave: 4,
            self._fail: 4,
            self._let_time_pass: 4,
            self._change_who_sends: 1,
            self._change_window: 2,
        }
        self.dice.choices(list(events), list(events.values()))[0]()
        self._start_all()
        self._check()

    def end(self) -> None:
        """Let everything end, and see that nothing is left of it."""
        for request_id in sorted(self._waiting):
            self._scheduler.cancel(request_id, self._now_ms)
        self._waiting.clear()
        for request_id in sorted(self._running):
            self._end_one(self._running.pop(request_id), Outcome.CANCELLED_RUNNING)
        self._check()
        keeps_nothing(self._scheduler)

    # Events.

    def _arrive(self) -> None:
        self._count += 1
        rates = [habit.rate for habit in self._senders.values()]
        (tenant,) = self.dice.choices(list(self._senders), rates)
        model = self.dice.choice(self.scene.models)
        is_large = self.dice.random() < self._senders[tenant].large_share
        lanes = [lane.name for lane in self.scene.lanes] or [ONE_LANE]
        request = draw_request(
            self.dice, self._count, tenant, model, lane=self.dice.choice(lanes), is_large=is_large
        )
        if self.dice.random() < 0.5:
            engine = self._scheduler.start_at_once(request, self._now_ms)
            if engine is not None:
                self._waiting[request.id] = request
                self._started(request, engine)
                return
        submission = self._scheduler.submit(request, self._now_ms)
        if submission.refused is None:
            self._waiting[request.id] = request
        else:
            self._refused(submission.refused, request.id)
        for refusal in submission.shed:
            require(
                refusal.request.id in self._waiting, _ONLY_WAITING, f"{refusal} was not waiting"
            )
            del self._waiting[refusal.request.id]
            self._refused(refusal, refusal.request.id)

    def _produce(self) -> None:
        if not self._running:
            return
        running = self._running[self.dice.choice(sorted(self._running))]
        room = (running.request.output_tokens_true or 0) - running.produced_tokens
        tokens = self.dice.randint(0, room)
        running.produced_tokens += tokens
        self._scheduler.produced(running.request.id, tokens, self._now_ms)

    def _settle(self) -> None:
        if not self._running:
            return
        running = self._running.pop(self.dice.choice(sorted(self._running)))
        endings = [Outcome.COMPLETED, Outcome.COMPLETED, Outcome.CANCELLED_RUNNING]
        self._end_one(running, self.dice.choice([*endings, Outcome.ENGINE_FAILED]))

    def _leave(self) -> None:
        if self._waiting:
            request_id = self.dice.choice(sorted(self._waiting))
            del self._waiting[request_id]
            self._scheduler.cancel(request_id, self._now_ms)

    def _fail(self) -> None:
        if not self._running or self.scene.is_one_pool:
            return
        request_id = self.dice.choice(sorted(self._running))
        if self._running[request_id].produced_tokens:
            return  # the first byte is out
        if self._scheduler.try_again_elsewhere(request_id, self._now_ms):
            running = self._running.pop(request_id)
            self._failed_at[request_id] = running.engine
            self._waiting[request_id] = running.request

    def _let_time_pass(self) -> None:
        self._now_ms += self.dice.choice([1, 100, 3_000])
        for refusal in self._scheduler.expire(self._now_ms):
            del self._waiting[refusal.request.id]

    def _change_who_sends(self) -> None:
        leaves = list(tenant_paths(self.scene.tenants))
        senders = self.dice.sample(leaves, self.dice.randint(2, len(leaves)))
        self._senders = {
            leaf: _Habit(self.dice.choice([1, 1, 10]), self.dice.choice([0.0, 0.5, 1.0]))
            for leaf in senders
        }

    def _change_window(self) -> None:
        name = self.dice.choice(list(self.scene.engines))
        self._set_window(name, self.dice.randint(0, self.scene.window_max))

    # What follows.

    def _set_window(self, name: EngineName, window: int) -> None:
        self._windows[name] = window
        self._scheduler.engine_changed(name, window=window, models=self.scene.engines[name])

    def _start_all(self) -> None:
        self._ask_ahead()
        while (start := self._scheduler.next(self._now_ms)) is not None:
            self._started(start.request, start.engine)
            self._ask_ahead()

    def _ask_ahead(self) -> None:
        if self.asks_ahead:
            self._scheduler.ahead(self._now_ms)

    def _started(self, request: Request, engine: EngineName) -> None:
        is_waiting = self._waiting.pop(request.id, None) is not None
        require(is_waiting, _ONLY_WAITING, f"{request.id} started and was not waiting")
        can_run = engine in self._engines_for(request)
        require(can_run, _ONLY_WAITING, f"{request.id} started on {engine}, which cannot take it")
        self._running[request.id] = _Running(request, engine)
        self.trace.append(("start", request.id, engine, self._now_ms))
        expected = self._scheduler.expected_usage(request.id).output_tokens
        most = (request.output_tokens_max or 0) * request.choices
        promise = "no more output is expected than the client allows"
        require(
            expected <= most, promise, f"{expected} tokens of {request.id}, which allows {most}"
        )

    def _refused(self, refusal: Refusal, request_id: RequestId) -> None:
        self.trace.append(("refuse", request_id, refusal.outcome, refusal.retry_after_ms))
        is_known = refusal.outcome in _REFUSALS and refusal.request.id == request_id
        require(is_known, _HONEST, f"{request_id} was refused with {refusal}")
        is_told = bool(refusal.message) and (refusal.retry_after_ms or 0) > 0
        require(is_told, _HONEST, f"{request_id} was refused with {refusal}")

    def _end_one(self, running: _Running, outcome: Outcome) -> None:
        request = running.request
        assert request.prompt_tokens is not None
        cached = self.dice.choice([0, request.prompt_tokens])
        usage = Usage(request.prompt_tokens, running.produced_tokens, cached)
        settlement = self._scheduler.settle(request.id, usage, outcome, self._now_ms)
        self._settled_units += settlement.units
        self._failed_at.pop(request.id, None)
        self.trace.append(("settle", request.id, settlement.units))
        promise = "work costs something, never less than nothing"
        require(
            settlement.units >= 0, promise, f"{request.id} was charged {settlement.units} units"
        )

    def _engines_for(self, request: Request) -> list[EngineName]:
        """Those that could take it at this moment."""
        in_flight = [running.engine for running in self._running.values()]
        return [
            name
            for name, models in self.scene.engines.items()
            if request.model in models
            and self._failed_at.get(request.id) != name
            and in_flight.count(name) < self._windows[name]
        ]

    def _check(self) -> None:
        waiting = list(self._waiting.values())
        conserves_work(waiting, {request: self._engines_for(request) for request in waiting})
        conserves_charges(self._scheduler, settled_units=self._settled_units)
        if self.scene.is_one_pool:
            stays_within_its_bound(self._scheduler)
