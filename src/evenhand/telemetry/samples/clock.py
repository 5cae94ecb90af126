"""Ticks once a second on the loop."""

import asyncio
from collections.abc import Callable

INTERVAL_S = 1.0


class SampleClock:
    """Calls `tick` every second from `start` to `stop`, and `between` half a second before it, so that
    neither makes the other long. Seconds for which the loop was too late are skipped."""

    def __init__(
        self, tick: Callable[[], object], between: Callable[[], object] = lambda: None
    ) -> None:
        self._tick = tick
        self._between = between
        self._timers: list[asyncio.TimerHandle] = []

    def start(self) -> None:
        """Begin, on the running loop."""
        self.stop()
        loop = asyncio.get_running_loop()
        self._schedule(loop, loop.time() + INTERVAL_S)

    def stop(self) -> None:
        """Tick no more."""
        for timer in self._timers:
            timer.cancel()
        self._timers = []

    def _schedule(self, loop: asyncio.AbstractEventLoop, at_s: float) -> None:
        self._timers = [
            loop.call_at(at_s - INTERVAL_S / 2, self._between),
            loop.call_at(at_s, self._go, loop, at_s),
        ]

    def _go(self, loop: asyncio.AbstractEventLoop, at_s: float) -> None:
        # The next one first: a tick that fails is told to the loop's handler and does not end the clock.
        self._schedule(loop, max(at_s, loop.time() - INTERVAL_S) + INTERVAL_S)
        self._tick()
