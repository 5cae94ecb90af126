"""The fair policy's run: a scheduler of its own whose requests take as long as they really took.

Driven moment by moment. It knows how far it can be followed: to the earliest end of what runs in it and
whose time at an engine is not known yet.
"""

from collections.abc import Callable, Collection, Mapping
from heapq import heappop, heappush

from evenhand.model import EngineName, ModelName, Outcome, RequestId
from evenhand.scheduling.scheduler import Scheduler
from evenhand.scheduling.settings import SchedulerSettings
from evenhand.scheduling.shadow.remembered import Remembered
from evenhand.scheduling.shadow.world import World


class FairRun:
    """From an empty queue on. `records` are the requests that may be in it, kept by its owner; `on_over`
    hears of each that has ended here, once."""

    def __init__(
        self,
        settings: SchedulerSettings,
        world: World,
        records: Mapping[RequestId, Remembered],
        on_over: Callable[[Remembered], None],
    ) -> None:
        self.scheduler = Scheduler(settings)
        self.unknown_service = 0
        """Requests that it started though reality never served them."""
        self._world = world
        self._records = records
        self._on_over = on_over
        # Both are bounded by the records.
        self._ends: list[tuple[int, int, Remembered]] = []
        self._unknown: dict[RequestId, Remembered] = {}
        self._sequence = 0
        self._at_ms = self._clock_ms = self._horizon_ms = 0

    # What it can know.

    def look(self, clock_ms: int) -> None:
        """All that has really happened before that moment is known."""
        ends_ms = (record.fair_end_ms_min(clock_ms) for record in self._unknown.values())
        self._clock_ms = clock_ms
        self._horizon_ms = min(clock_ms, min(ends_ms, default=clock_ms))

    @property
    def horizon_ms(self) -> int:
        """All moments before this one can be followed. Starting a request may bring it nearer."""
        return self._horizon_ms

    def next_ms(self) -> int | None:
        """When something happens here next by itself; None: nothing, as far as is known."""
        expiry_ms = self.scheduler.next_expiry_ms()
        if not self._ends:
            return expiry_ms
        return self._ends[0][0] if expiry_ms is None else min(self._ends[0][0], expiry_ms)

    def settled(self, record: Remembered) -> None:
        """It has really ended. If it runs here, its end is known now."""
        if self._unknown.pop(record.request.id, None) is not None:
            self._ends_known(record)

    # What comes from outside, at its moment.

    def arrive(self, record: Remembered, at_ms: int) -> None:
        record.fair = self._world.arrived(record.request.tenant, record.row, at_ms)
        submission = self.scheduler.submit(record.request, at_ms)
        assert submission.refused is None, "the shadow refuses what reality has queued"
        assert not submission.shed

    def withdraw(self, record: Remembered, at_ms: int) -> None:
        """It has left the real queue. What has been started here stays."""
        if record.fair_started_ms is None and not record.is_fairly_over:
            self.scheduler.cancel(record.request.id, at_ms)
            self._leave(record, at_ms)

    def change_engine(self, name: EngineName, window: int, models: Collection[ModelName]) -> None:
        self.scheduler.engine_changed(name, window=window, models=models)

    # What happens here, at each moment in this order, with what comes from outside in between.

    def end(self, at_ms: int) -> None:
        """Whatever ends at this moment frees its slot."""
        self._at_ms = at_ms
        while self._ends and self._ends[0][0] <= at_ms:
            record = heappop(self._ends)[2]
            assert record.fair is not None
            settlement = self.scheduler.settle(
                record.request.id, record.usage, record.outcome, at_ms
            )
            self._world.ended(record.fair, settlement.units, at_ms)
            record.is_fairly_over = True
            self._on_over(record)

    def start(self, at_ms: int) -> None:
        """Whoever's turn it is starts; whoever has waited too long then, leaves."""
        while (start := self.scheduler.next(at_ms)) is not None:
            record = self._records[start.request.id]
            assert record.fair is not None
            self._world.started(record.fair, at_ms)
            record.fair_started_ms = at_ms
            if record.is_settled:
                self._ends_known(record)
            else:
                self._unknown[record.request.id] = record
                end_ms = record.fair_end_ms_min(self._clock_ms)
                self._horizon_ms = min(self._horizon_ms, end_ms)
        for refusal in self.scheduler.expire(at_ms):
            self._leave(self._records[refusal.request.id], at_ms)

    def _leave(self, record: Remembered, at_ms: int) -> None:
        assert record.fair is not None
        self._world.left(record.fair, at_ms)
        record.is_fairly_over = True
        self._on_over(record)

    def _ends_known(self, record: Remembered) -> None:
        assert record.fair_started_ms is not None
        end_ms = record.fair_started_ms + record.at_engine_ms
        assert end_ms >= self._at_ms, "it was followed too far"
        self._sequence += 1
        heappush(self._ends, (end_ms, self._sequence, record))
        self.unknown_service += record.outcome is Outcome.CANCELLED_QUEUED
