"""Traffic before a real scheduler in simulated time: a plain discrete-event run, with a shadow or not.

At one moment slots become free first, then come arrivals and changes, then starts, then expiry. Each
request's time at an engine is its own, whatever the order. A shadow is told what happens, and made to
follow at odd moments.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, TenantPath, Usage
from evenhand.scheduling import QueueLimits, Scheduler, SchedulerSettings, TenantShare
from evenhand.scheduling.shadow import Shadow
from evenhand.scheduling.shadow.remembered import Remembered
from evenhand.scheduling.shadow.world import Stay

Engines = Mapping[str, tuple[int, tuple[str, ...]]]
"""Window and models by name."""

ROOM = QueueLimits(requests_max=10**6, tenant_requests_max=10**6)
TENANTS = tuple(TenantShare(name=name, weight=weight) for name, weight in (("a", 1), ("b", 3)))
ONE_ENGINE: Engines = {"e1": (1, ("m1",))}
SEVERAL: Engines = {"e1": (2, ("m1",)), "e2": (1, ("m1", "m2")), "e3": (3, ("m2",))}


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A request to come, how long it takes at an engine, and what it uses there. `patience_ms`: its
    client leaves when it has waited so long. `fails_after_ms`: its first engine fails then."""

    request: Request
    at_ms: int
    service_ms: int
    usage: Usage
    patience_ms: int | None = None
    fails_after_ms: int | None = None


def plan(
    dice: random.Random,
    *,
    requests: int,
    span_ms: int,
    impatient: bool = False,
    fails: bool = False,
) -> list[Planned]:
    """Bursts of very different requests of two tenants for two models, in order of time."""
    planned = []
    for number in range(requests):
        tenant = dice.choice("aaab")
        request = Request(
            id=RequestId(f"r{number}"),
            tenant=(tenant,),
            model=ModelName(dice.choice(["m1", "m1", "m2"])),
            body_bytes=100,
            prompt_tokens=dice.choice([1, 50]),
            output_tokens_max=100,
            queue_wait_ms_max=dice.choice([50, 400]) if impatient else 10**9,
        )
        planned.append(
            Planned(
                request=request,
                at_ms=dice.randrange(span_ms),
                service_ms=dice.choice([0, 1, 7, 40, dice.randrange(200)]),
                usage=Usage(request.prompt_tokens or 0, dice.choice([0, 3, 100])),
                patience_ms=dice.randrange(300) if impatient and dice.random() < 0.3 else None,
                fails_after_ms=dice.randrange(20) if fails and dice.random() < 0.2 else None,
            )
        )
    return sorted(planned, key=lambda one: one.at_ms)


@dataclass
class Ran:
    """What became of the requests: how long each waited, whether it was served, what it cost."""

    waited_ms: dict[RequestId, int] = field(default_factory=dict)
    served: set[RequestId] = field(default_factory=set)
    units: Counter[TenantPath] = field(default_factory=Counter)


class Traffic:
    """One run. `changes` are windows that change at a moment."""

    def __init__(
        self,
        settings: SchedulerSettings,
        engines: Engines,
        planned: list[Planned],
        *,
        changes: list[tuple[int, str, int]] | None = None,
        shadow: Shadow | None = None,
        dice: random.Random | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.scheduler = Scheduler(settings)
        self.ran = Ran()
        self._engines = engines
        self._shadow = shadow
        self._dice = dice or random.Random(0)
        self._check = check
        self._planned = {one.request.id: one for one in planned}
        self._since: dict[RequestId, int] = {}
        self._failed: set[RequestId] = set()
        self._events: list[tuple[int, int, int, Callable[[int], None]]] = []
        self._count = 0
        for name, (window, _) in engines.items():
            self._change(0, name, window)
        for one in planned:
            self._at(one.at_ms, 1, lambda now, one=one: self._arrive(one, now))  # type: ignore[misc]
        for at_ms, name, window in changes or ():
            self._at(at_ms, 1, lambda now, n=name, w=window: self._change(now, n, w))  # type: ignore[misc]

    def run(self) -> Ran:
        while (now := self._next_ms()) is not None:
            while self._events and self._events[0][0] <= now:
                heappop(self._events)[3](now)
            while (start := self.scheduler.next(now)) is not None:
                self._start(start.request.id, now)
            for refusal in self.scheduler.expire(now):
                self._leave(refusal.request.id, now)
            if self._shadow is not None and self._dice.random() < 0.3:
                self._shadow.advance(now, steps_max=self._dice.randrange(1, 20))
            self._check()
        if self._shadow is not None:
            while self._shadow.advance(10**9, steps_max=100):
                self._check()
        return self.ran

    def _next_ms(self) -> int | None:
        times = [self._events[0][0]] if self._events else []
        expiry_ms = self.scheduler.next_expiry_ms() if self.scheduler.backlog.requests else None
        return min([*times, *([] if expiry_ms is None else [expiry_ms])], default=None)

    def _at(self, at_ms: int, rank: int, event: Callable[[int], None]) -> None:
        self._count += 1
        heappush(self._events, (at_ms, rank, self._count, event))

    def _arrive(self, one: Planned, now: int) -> None:
        assert self.scheduler.submit(one.request, now).refused is None
        self._since[one.request.id] = now
        self.ran.waited_ms[one.request.id] = 0
        if self._shadow is not None:
            self._shadow.arrived(one.request, now)
        if one.patience_ms is not None:
            self._at(now + one.patience_ms, 2, lambda at: self._lose_patience(one.request.id, at))

    def _start(self, request_id: RequestId, now: int) -> None:
        one = self._planned[request_id]
        self.ran.waited_ms[request_id] += now - self._since.pop(request_id)
        if self._shadow is not None:
            self._shadow.started(request_id, now)
        if one.fails_after_ms is not None and request_id not in self._failed:
            self._failed.add(request_id)
            self._at(now + one.fails_after_ms, 0, lambda at: self._fail(one, at))
        else:
            self._at(now + one.service_ms, 0, lambda at: self._end(one, one.usage, at))

    def _fail(self, one: Planned, now: int) -> None:
        if not self.scheduler.try_again_elsewhere(one.request.id, now):
            self._end(one, one.usage, now)
            return
        self._since[one.request.id] = now
        if self._shadow is not None:
            self._shadow.returned(one.request.id, now)

    def _end(self, one: Planned, usage: Usage, now: int) -> None:
        settlement = self.scheduler.settle(one.request.id, usage, Outcome.COMPLETED, now)
        self.ran.served.add(one.request.id)
        self.ran.units[one.request.tenant] += settlement.units
        if self._shadow is not None:
            self._shadow.ended(one.request.id, usage, Outcome.COMPLETED, now)

    def _lose_patience(self, request_id: RequestId, now: int) -> None:
        if request_id in self._since:
            self.scheduler.cancel(request_id, now)
            self._leave(request_id, now)

    def _leave(self, request_id: RequestId, now: int) -> None:
        self.ran.waited_ms[request_id] += now - self._since.pop(request_id)
        if self._shadow is not None:
            self._shadow.left(request_id, now)

    def _change(self, now: int, name: str, window: int) -> None:
        models = [ModelName(model) for model in self._engines[name][1]]
        self.scheduler.engine_changed(EngineName(name), window=window, models=models)
        if self._shadow is not None:
            self._shadow.engine_changed(EngineName(name), window=window, models=models, now_ms=now)


def watch(shadow: Shadow) -> Ran:
    """What becomes of each request in the shadow. Watches, changes nothing."""
    ran, world = Ran(), shadow._fair
    end, leave = world.ended, world.left

    def note(stay: Stay) -> Remembered:
        record = next(one for one in shadow._remembered.values() if one.fair is stay)
        assert record.request.id not in ran.waited_ms, "a request ends once"
        ran.waited_ms[record.request.id] = stay.waited_ms
        return record

    def ended(stay: Stay, units: int, now_ms: int) -> None:
        end(stay, units, now_ms)
        ran.served.add(note(stay).request.id)
        ran.units[stay.tenant] += units

    def left(stay: Stay, now_ms: int) -> None:
        leave(stay, now_ms)
        note(stay)

    world.ended = ended  # type: ignore[method-assign]
    world.left = left  # type: ignore[method-assign]
    return ran
