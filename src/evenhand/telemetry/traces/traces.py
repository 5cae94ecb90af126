"""Takes ended requests, and exports their spans from a thread of its own."""

import random
import time
from collections import deque
from collections.abc import Callable
from threading import Event, Thread
from typing import Final, NamedTuple

from evenhand.telemetry.record import RequestRecord
from evenhand.telemetry.traces.context import TraceContext, continued, sample_bound
from evenhand.telemetry.traces.export import Export

QUEUE_MAX: Final = 4_096
BATCH_MAX: Final = 256
_GATHER_S: Final = 1.0
"""So long requests gather: the thread takes the interpreter from the loop each time that it works."""
_CLOSE_S_MAX: Final = 5.0


class Ended(NamedTuple):
    """A request that has ended. `sent_ms` is when it was sent to its engine, after its arrival; None: it
    never was."""

    record: RequestRecord
    context: TraceContext
    end_ns: int
    sent_ms: float | None


class Traces:
    """`start` once, then `close` once. Bounded by `QUEUE_MAX`: what finds it full is dropped and
    counted. `begin` and `ended` are for one thread, the loop's."""

    def __init__(
        self,
        export: Export,
        *,
        sample_percent: float,
        bits: Callable[[int], int] = random.getrandbits,
        queue_max: int = QUEUE_MAX,
    ) -> None:
        self._export = export
        self._bound = sample_bound(sample_percent)
        self._bits = bits
        self._queue_max = queue_max
        self._waiting: deque[Ended] = deque()  # bounded by `ended`
        self._closing = Event()
        self._thread = Thread(target=self._run, name="evenhand-traces", daemon=True)
        # Each number has one writing thread, so none needs a lock.
        self._overflowed = 0
        self._failed = 0
        self.exported = 0
        """Requests whose spans the collector has taken."""

    @property
    def dropped(self) -> int:
        """Requests whose spans found no room, or no collector that took them."""
        return self._overflowed + self._failed

    def start(self) -> None:
        """Begin to export."""
        self._thread.start()

    def begin(self, traceparent: str | None) -> TraceContext:
        """Where the spans of a request that has come will stand; `traceparent` is its header."""
        return continued(traceparent, self._bits, self._bound)

    def ended(self, record: RequestRecord, context: TraceContext, sent_ms: float | None) -> None:
        """It has ended at this moment. Never blocks, never raises."""
        if not context.is_sampled:
            return
        if len(self._waiting) >= self._queue_max:
            self._overflowed += 1
            return
        self._waiting.append(Ended(record, context, time.time_ns(), sent_ms))

    def close(self) -> bool:
        """Export what is left, for at most five seconds. False: the collector would not take it in that
        time; the thread is left behind and does not keep the process from ending."""
        self._closing.set()
        self._thread.join(_CLOSE_S_MAX)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._closing.wait(_GATHER_S):
            self._export_all()
        self._export_all()

    def _export_all(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
            if self._export.send(batch):
                self.exported += len(batch)
            else:
                self._failed += len(batch)
