"""How late the event loop runs what is due: the health of everything that shares it."""

import asyncio
import time
from collections.abc import Callable

INTERVAL_MS = 100


class LoopLag:
    """Tells `observe` every `interval_ms` by how many seconds the loop was late. `start` in the loop,
    `stop` at the end; both may be repeated, nothing is left behind after `stop`."""

    def __init__(
        self,
        observe: Callable[[float], None],
        *,
        interval_ms: int = INTERVAL_MS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._observe = observe
        self._interval_s = interval_ms / 1000
        # Not the loop's clock: uvloop's stands still while callbacks run, which hides what we look for.
        self._clock = clock
        self._due_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to measure, on the running loop."""
        self.stop()
        self._schedule(asyncio.get_running_loop())

    def stop(self) -> None:
        """Measure no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due_s = self._clock() + self._interval_s
        self._timer = loop.call_later(self._interval_s, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        # A timer may fire a moment early: loops round to milliseconds.
        self._observe(max(0.0, self._clock() - self._due_s))
        self._schedule(loop)
