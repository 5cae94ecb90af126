"""Ticks once a second on the loop."""

import asyncio
from collections.abc import Callable

INTERVAL_S = 1.0


class SampleClock:
    """Calls `tick` every second from `start` to `stop`. Seconds that the loop was too late for are
    skipped, not caught up with."""

    def __init__(self, tick: Callable[[], object]) -> None:
        self._tick = tick
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin, on the running loop."""
        self.stop()
        loop = asyncio.get_running_loop()
        self._schedule(loop, loop.time() + INTERVAL_S)

    def stop(self) -> None:
        """Tick no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self, loop: asyncio.AbstractEventLoop, at_s: float) -> None:
        self._timer = loop.call_at(at_s, self._go, loop, at_s)

    def _go(self, loop: asyncio.AbstractEventLoop, at_s: float) -> None:
        # The next one first: a tick that fails is told to the loop's handler and does not end the clock.
        self._schedule(loop, max(at_s, loop.time() - INTERVAL_S) + INTERVAL_S)
        self._tick()
