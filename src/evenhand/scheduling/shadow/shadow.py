"""The counterfactual: what really happens goes in, as it happens; what would have been comes out.

A request that the shadow starts occupies its slot for as long as the same request really was at an
engine, which is known only when it has really ended. So the shadow has a time of its own, which trails
the clock. Facts wait until it has reached them. shadow.md says what this assumes, and what it therefore
cannot tell.
"""

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, TenantPath, Usage
from evenhand.scheduling.admission.built_in import ADMISSIONS
from evenhand.scheduling.limits import QueueLimits
from evenhand.scheduling.settings import SchedulerSettings
from evenhand.scheduling.shadow.fair_run import FairRun
from evenhand.scheduling.shadow.observation import OTHERS, Observation, compared
from evenhand.scheduling.shadow.remembered import Remembered
from evenhand.scheduling.shadow.world import World

REMEMBERED_MAX = 40_000
"""Requests that have not ended in both worlds, of about a kilobyte each. The shadow trails by as long as
requests really wait at most, so a full queue takes up to three times its length (measured: 26,000 for
the default of 10,000)."""

REMEMBERED_BYTES_MAX = 256 << 20
"""Of the texts by which prompts are compared, where the policy reads them."""

_FACTS_PER_REQUEST = 6
"""Of one that is tried twice, and one to spare for the engines."""


class Shadow:
    """Told every fact once, in order of time (`now_ms` never goes back); `advance` does the work.

    The host owes, for each request that was queued: `arrived`; then `started`, `returned` (its engine
    failed and it waits again) and so on, to `ended`; or `left`, if it ended while it waited.
    """

    def __init__(
        self,
        settings: SchedulerSettings,
        *,
        tenants_max: int,
        remembered_max: int = REMEMBERED_MAX,
        remembered_bytes_max: int = REMEMBERED_BYTES_MAX,
    ) -> None:
        """`settings` with the policy to try. `tenants_max` tenants are counted apart, those that come
        first; the others together."""
        assert remembered_max >= 1
        # It refuses nobody whom reality has queued; what bounds its queue is what it remembers.
        policy = settings.policy.swapped(admission=ADMISSIONS["none"])
        limits = QueueLimits(
            requests_max=remembered_max,
            bytes_max=1 << 62,
            tenant_requests_max=remembered_max,
            tenant_bytes_max=1 << 62,
        )
        self.settings = replace(settings, policy=policy, limits=limits)
        self._tenants_max = tenants_max
        self._remembered_max = remembered_max
        self._remembered_bytes_max = remembered_bytes_max
        self._rows: dict[TenantPath, None] = {}
        self._engines: dict[EngineName, tuple[int, tuple[ModelName, ...]]] = {}
        self._arrival = World()
        self._fair = World()
        self._really_waiting = 0
        self._resets = self._unobserved = self._unknown_service = 0
        self._at_ms = 0
        self._begin()

    # What really happens.

    def arrived(self, request: Request, now_ms: int) -> None:
        """It was queued."""
        if self._is_paused and not self._really_waiting:
            self._begin()  # both queues are empty: the worlds agree again
        self._really_waiting += 1
        if not self._is_paused and self._is_too_much(request):
            self._forget_all()
        if self._is_paused:
            self._unobserved += 1
            return
        assert request.id not in self._remembered, "arrived twice"
        record = Remembered(request, self._row(request.tenant))
        self._remembered[request.id] = record
        self._remembered_bytes += len(request.prefix)
        self._note(now_ms, partial(self._arrive, record))

    def started(self, request_id: RequestId, now_ms: int) -> None:
        """It was sent to an engine."""
        self._really_waiting -= 1
        record = self._remembered.get(request_id)
        if record is not None:
            record.running_since_ms = now_ms
            self._note(now_ms, partial(self._start, record))

    def returned(self, request_id: RequestId, now_ms: int) -> None:
        """Its engine failed, and it waits for another."""
        self._really_waiting += 1
        record = self._remembered.get(request_id)
        if record is not None:
            record.off_the_engine(now_ms)
            self._note(now_ms, partial(self._return, record))

    def ended(self, request_id: RequestId, usage: Usage, outcome: Outcome, now_ms: int) -> None:
        """Its slot is free, and this is what it really used."""
        record = self._remembered.get(request_id)
        if record is not None:
            record.off_the_engine(now_ms)
            record.usage, record.outcome, record.is_settled = usage, outcome, True
            self._run.settled(record)
            self._note(now_ms, partial(self._end, record))

    def left(self, request_id: RequestId, now_ms: int) -> None:
        """It ended while it waited: cancelled, shed, or it has waited too long."""
        self._really_waiting -= 1
        record = self._remembered.get(request_id)
        if record is not None:
            record.is_settled = True
            self._run.settled(record)
            self._note(now_ms, partial(self._leave, record))

    def engine_changed(
        self, name: EngineName, *, window: int, models: Collection[ModelName], now_ms: int
    ) -> None:
        """An engine appeared, or its window or models changed."""
        self._engines[name] = (window, tuple(models))
        if not self._is_paused:
            self._note(now_ms, partial(self._change_engine, name, window, tuple(models)))

    # The shadow follows.

    def advance(self, now_ms: int, *, steps_max: int) -> bool:
        """Follow up to `now_ms`, exclusive, as far as is known, by at most so many moments. True: there
        is more to do at once."""
        run = self._run
        run.look(now_ms)
        for _ in range(steps_max):
            at_ms = self._next_ms()
            if at_ms is None or at_ms >= run.horizon_ms:
                self._at_ms = max(self._at_ms, run.horizon_ms)
                return False
            self._at_ms = at_ms
            run.end(at_ms)
            while self._facts and self._facts[0][0] <= at_ms:
                self._facts.popleft()[1](at_ms)
            run.start(at_ms)
        return True

    def observation(self) -> Observation:
        """What was found so far."""
        arrival, fair, at_ms = self._arrival.book, self._fair.book, self._at_ms
        return Observation(
            at_ms=at_ms,
            remembered=len(self._remembered),
            resets=self._resets,
            unobserved=self._unobserved,
            is_paused=self._is_paused,
            unknown_service=self._unknown_service + self._run.unknown_service,
            in_all=compared(arrival.in_all(), fair.in_all()),
            recent=compared(arrival.recent(at_ms), fair.recent(at_ms)),
        )

    def _next_ms(self) -> int | None:
        """When something happens next in either world, as far as is known."""
        next_ms = self._run.next_ms()
        if not self._facts:
            return next_ms
        return self._facts[0][0] if next_ms is None else min(self._facts[0][0], next_ms)

    # Facts, when the shadow's time has reached them.

    def _arrive(self, record: Remembered, at_ms: int) -> None:
        record.real = self._arrival.arrived(record.request.tenant, record.row, at_ms)
        self._run.arrive(record, at_ms)

    def _start(self, record: Remembered, at_ms: int) -> None:
        assert record.real is not None
        self._arrival.started(record.real, at_ms)

    def _return(self, record: Remembered, at_ms: int) -> None:
        assert record.real is not None
        self._arrival.returned(record.real, at_ms)

    def _end(self, record: Remembered, at_ms: int) -> None:
        assert record.real is not None
        self._arrival.ended(record.real, self.settings.cost.of(record.usage), at_ms)
        record.is_really_over = True
        self._forget_if_over(record)

    def _leave(self, record: Remembered, at_ms: int) -> None:
        assert record.real is not None
        self._arrival.left(record.real, at_ms)
        self._run.withdraw(record, at_ms)
        record.is_really_over = True
        self._forget_if_over(record)

    def _change_engine(
        self, name: EngineName, window: int, models: tuple[ModelName, ...], at_ms: int
    ) -> None:
        del at_ms
        self._run.change_engine(name, window, models)

    # What is remembered.

    def _note(self, now_ms: int, fact: Callable[[int], None]) -> None:
        if len(self._facts) >= _FACTS_PER_REQUEST * self._remembered_max:
            self._forget_all()
            return
        assert not self._facts or self._facts[-1][0] <= now_ms, "time went back"
        self._facts.append((now_ms, fact))

    def _is_too_much(self, request: Request) -> bool:
        """To be remembered with all that is."""
        if len(self._remembered) >= self._remembered_max:
            return True
        return self._remembered_bytes + len(request.prefix) > self._remembered_bytes_max

    def _forget_if_over(self, record: Remembered) -> None:
        if record.is_really_over and record.is_fairly_over:
            del self._remembered[record.request.id]
            self._remembered_bytes -= len(record.request.prefix)

    def _row(self, tenant: TenantPath) -> TenantPath:
        if tenant not in self._rows:
            if len(self._rows) >= self._tenants_max:
                return OTHERS
            self._rows[tenant] = None
        return tenant

    def _forget_all(self) -> None:
        """Too much to remember. It begins anew when nothing really waits."""
        self._resets += 1
        self._unobserved += len(self._remembered)
        self._unknown_service += self._run.unknown_service
        self._begin()
        self._is_paused = True

    def _begin(self) -> None:
        """An empty queue, in both worlds."""
        self._is_paused = False
        self._arrival.forget_open()
        self._fair.forget_open()
        self._remembered: dict[RequestId, Remembered] = {}
        self._remembered_bytes = 0
        # Bounded by `_note`.
        self._facts: deque[tuple[int, Callable[[int], None]]] = deque()
        self._run: FairRun = FairRun(
            self.settings, self._fair, self._remembered, self._forget_if_over
        )
        for name, (window, models) in self._engines.items():
            self._run.change_engine(name, window, models)
