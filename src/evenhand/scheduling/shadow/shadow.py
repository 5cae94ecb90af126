"""The counterfactual: a second scheduler, with the fair policy, in a time of its own.

It is told what really happens, as it happens. A request that the shadow starts occupies its slot for as
long as the same request really was at an engine, which is known only when it has really ended. So the
shadow's time trails the clock: it goes on to the earliest moment at which a request whose time is not
known yet could end there, and no further.

shadow.md says what this assumes, and what it therefore cannot tell.
"""

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from heapq import heappop, heappush

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, TenantPath, Usage
from evenhand.scheduling.limits import QueueLimits
from evenhand.scheduling.scheduler import Scheduler, SchedulerSettings
from evenhand.scheduling.shadow.observation import OTHERS, Comparison, Observation
from evenhand.scheduling.shadow.remembered import Remembered
from evenhand.scheduling.shadow.tally import Tally
from evenhand.scheduling.shadow.world import World

REMEMBERED_MAX = 40_000
"""Requests that have not ended in both worlds, of about a kilobyte each. The shadow trails by as long as
requests really wait at most, so a full queue takes up to three times its length (measured: 26,000 for
the default of 10,000)."""

_FACTS_PER_REQUEST = 6
"""Of one that is tried twice, and one to spare for the engines."""


class Shadow:
    """Told every fact once, in order of time (`now_ms` never goes back); `advance` does the work.

    The host owes, for each request that was queued: `arrived`; then `started`, `returned` (its engine
    failed and it waits again) and so on, to `ended`; or `left`, if it ended while it waited.
    """

    def __init__(
        self, settings: SchedulerSettings, *, tenants_max: int, remembered_max: int = REMEMBERED_MAX
    ) -> None:
        """`settings` with the policy to try. `tenants_max` tenants are counted apart, those that come
        first; the others together."""
        assert remembered_max >= 1
        # It refuses nobody whom reality has queued; what bounds its queue is what it remembers.
        limits = QueueLimits(
            requests_max=remembered_max,
            bytes_max=1 << 62,
            tenant_requests_max=remembered_max,
            tenant_bytes_max=1 << 62,
        )
        self.settings = replace(settings, limits=limits)
        self._tenants_max = tenants_max
        self._remembered_max = remembered_max
        self._rows: dict[TenantPath, None] = {}
        self._engines: dict[EngineName, tuple[int, tuple[ModelName, ...]]] = {}
        self._arrival = World()
        self._fair = World()
        self._really_waiting = 0
        self._resets = self._unobserved = self._unknown_service = 0
        self._is_paused = False
        self._at_ms = 0
        self._begin()

    # What really happens.

    def arrived(self, request: Request, now_ms: int) -> None:
        """It was queued."""
        if self._is_paused and not self._really_waiting:
            self._begin()  # both queues are empty: the worlds agree again
        self._really_waiting += 1
        if not self._is_paused and len(self._remembered) >= self._remembered_max:
            self._start_anew()
        if self._is_paused:
            self._unobserved += 1
            return
        assert request.id not in self._remembered, "arrived twice"
        record = Remembered(request, self._row(request.tenant))
        self._remembered[request.id] = record
        self._note(now_ms, partial(self._arrive, record))

    def started(self, request_id: RequestId, now_ms: int) -> None:
        """It was sent to an engine."""
        self._really_waiting -= 1
        record = self._remembered.get(request_id)
        if record is not None:
            record.running_since_ms = now_ms
            self._note(now_ms, partial(self._really_start, record))

    def returned(self, request_id: RequestId, now_ms: int) -> None:
        """Its engine failed, and it waits for another."""
        self._really_waiting += 1
        record = self._remembered.get(request_id)
        if record is not None:
            self._count_engine_time(record, now_ms)
            self._note(now_ms, partial(self._really_return, record))

    def ended(self, request_id: RequestId, usage: Usage, outcome: Outcome, now_ms: int) -> None:
        """Its slot is free, and this is what it really used."""
        record = self._remembered.get(request_id)
        if record is not None:
            self._count_engine_time(record, now_ms)
            record.usage, record.outcome = usage, outcome
            self._settle(record)
            self._note(now_ms, partial(self._really_end, record))

    def left(self, request_id: RequestId, now_ms: int) -> None:
        """It ended while it waited: cancelled, shed, or it has waited too long."""
        self._really_waiting -= 1
        record = self._remembered.get(request_id)
        if record is not None:
            self._settle(record)
            self._note(now_ms, partial(self._really_leave, record))

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
        ends_ms = (record.fair_end_ms_min(now_ms) for record in self._unknown.values())
        self._clock_ms = now_ms
        self._horizon_ms = min(now_ms, min(ends_ms, default=now_ms))
        for _ in range(steps_max):
            at_ms = self._next_ms()
            if at_ms is None or at_ms >= self._horizon_ms:
                self._at_ms = max(self._at_ms, self._horizon_ms)
                return False
            self._at_ms = at_ms
            self._happen(at_ms)
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
            unknown_service=self._unknown_service,
            in_all=_compared(arrival.in_all(), fair.in_all()),
            recent=_compared(arrival.recent(at_ms), fair.recent(at_ms)),
        )

    def _next_ms(self) -> int | None:
        """When something happens next in either world, as far as is known."""
        ends_ms = self._ends[0][0] if self._ends else None
        fact_ms = self._facts[0][0] if self._facts else None
        expiry_ms = self._scheduler.next_expiry_ms()
        return min((ms for ms in (ends_ms, fact_ms, expiry_ms) if ms is not None), default=None)

    def _happen(self, at_ms: int) -> None:
        """All that happens at one moment: slots become free, then facts, then starts, then expiry."""
        while self._ends and self._ends[0][0] <= at_ms:
            self._fairly_end(heappop(self._ends)[2], at_ms)
        while self._facts and self._facts[0][0] <= at_ms:
            self._facts.popleft()[1](at_ms)
        while (start := self._scheduler.next(at_ms)) is not None:
            self._fairly_start(self._remembered[start.request.id], at_ms)
        for refusal in self._scheduler.expire(at_ms):
            self._fairly_leave(self._remembered[refusal.request.id], at_ms)

    # Facts, when the shadow's time has reached them.

    def _arrive(self, record: Remembered, at_ms: int) -> None:
        tenant = record.request.tenant
        record.real = self._arrival.arrived(tenant, record.row, at_ms)
        record.fair = self._fair.arrived(tenant, record.row, at_ms)
        submission = self._scheduler.submit(record.request, at_ms)
        assert submission.refused is None, "the shadow refuses what reality has queued"
        assert not submission.shed

    def _really_start(self, record: Remembered, at_ms: int) -> None:
        assert record.real is not None
        self._arrival.started(record.real, at_ms)

    def _really_return(self, record: Remembered, at_ms: int) -> None:
        assert record.real is not None
        self._arrival.returned(record.real, at_ms)

    def _really_end(self, record: Remembered, at_ms: int) -> None:
        assert record.real is not None
        self._arrival.ended(record.real, self.settings.cost.of(record.usage), at_ms)
        record.is_really_over = True
        self._forget_if_over(record)

    def _really_leave(self, record: Remembered, at_ms: int) -> None:
        assert record.real is not None
        self._arrival.left(record.real, at_ms)
        record.is_really_over = True
        if record.fair_started_ms is None and not record.is_fairly_over:
            self._scheduler.cancel(record.request.id, at_ms)
            self._fairly_leave(record, at_ms)
        else:
            self._forget_if_over(record)

    def _change_engine(
        self, name: EngineName, window: int, models: tuple[ModelName, ...], at_ms: int
    ) -> None:
        del at_ms
        self._scheduler.engine_changed(name, window=window, models=models)

    # The fair world.

    def _fairly_start(self, record: Remembered, at_ms: int) -> None:
        assert record.fair is not None
        self._fair.started(record.fair, at_ms)
        record.fair_started_ms = at_ms
        if record.is_settled:
            self._ends_known(record)
        else:
            self._unknown[record.request.id] = record
            self._horizon_ms = min(self._horizon_ms, record.fair_end_ms_min(self._clock_ms))

    def _fairly_end(self, record: Remembered, at_ms: int) -> None:
        assert record.fair is not None
        settlement = self._scheduler.settle(record.request.id, record.usage, record.outcome, at_ms)
        self._fair.ended(record.fair, settlement.units, at_ms)
        record.is_fairly_over = True
        self._forget_if_over(record)

    def _fairly_leave(self, record: Remembered, at_ms: int) -> None:
        assert record.fair is not None
        self._fair.left(record.fair, at_ms)
        record.is_fairly_over = True
        self._forget_if_over(record)

    # What is remembered.

    def _note(self, now_ms: int, fact: Callable[[int], None]) -> None:
        if len(self._facts) >= _FACTS_PER_REQUEST * self._remembered_max:
            self._start_anew()
            return
        assert not self._facts or self._facts[-1][0] <= now_ms, "time went back"
        self._facts.append((now_ms, fact))

    def _count_engine_time(self, record: Remembered, now_ms: int) -> None:
        assert record.running_since_ms is not None
        record.at_engine_ms += now_ms - record.running_since_ms
        record.running_since_ms = None

    def _settle(self, record: Remembered) -> None:
        """It has really ended: what the shadow needs to know of it is known."""
        record.is_settled = True
        if self._unknown.pop(record.request.id, None) is not None:
            self._ends_known(record)

    def _ends_known(self, record: Remembered) -> None:
        assert record.fair_started_ms is not None
        end_ms = record.fair_started_ms + record.at_engine_ms
        assert end_ms >= self._at_ms, "the shadow went on too far"
        self._sequence += 1
        heappush(self._ends, (end_ms, self._sequence, record))
        self._unknown_service += record.outcome is Outcome.CANCELLED_QUEUED

    def _forget_if_over(self, record: Remembered) -> None:
        if record.is_really_over and record.is_fairly_over:
            del self._remembered[record.request.id]

    def _row(self, tenant: TenantPath) -> TenantPath:
        if tenant not in self._rows:
            if len(self._rows) >= self._tenants_max:
                return OTHERS
            self._rows[tenant] = None
        return tenant

    def _start_anew(self) -> None:
        """Too much to remember: forget all that is open, and wait until nothing really waits."""
        self._resets += 1
        self._unobserved += len(self._remembered)
        self._begin()
        self._is_paused = True

    def _begin(self) -> None:
        """An empty queue, in both worlds."""
        self._is_paused = False
        self._scheduler = Scheduler(self.settings)
        for name, (window, models) in self._engines.items():
            self._scheduler.engine_changed(name, window=window, models=models)
        self._arrival.forget_open()
        self._fair.forget_open()
        self._remembered: dict[RequestId, Remembered] = {}
        # Bounded by `_note`.
        self._facts: deque[tuple[int, Callable[[int], None]]] = deque()
        self._ends: list[tuple[int, int, Remembered]] = []
        self._unknown: dict[RequestId, Remembered] = {}
        self._sequence = 0
        self._clock_ms = self._horizon_ms = self._at_ms


def _compared(
    arrival: dict[TenantPath, Tally], fair: dict[TenantPath, Tally]
) -> tuple[Comparison, ...]:
    rows = sorted(arrival.keys() | fair.keys())
    return tuple(Comparison(r, arrival.get(r) or Tally(), fair.get(r) or Tally()) for r in rows)
