"""A moment that moves with nearly every request, and a timer that seldom does."""

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls `expired` once when the moment comes, unless it was moved or cleared before.

    Moving it later costs an attribute: the timer, when it fires too early, arms itself again.
    """

    __slots__ = ("_armed_at", "_at", "_expired", "_loop", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._at: float | None = None
        self._armed_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def set(self, delay_ms: float) -> None:
        """Move the moment to `delay_ms` from here."""
        self._at = at = self._loop.time() + delay_ms / 1000
        if self._timer is None or self._armed_at > at:
            self._arm(at)

    def clear(self) -> None:
        """There is no moment until the next `set`."""
        self._at = None

    def stop(self) -> None:
        """Clear, and let go of the timer. Call when the owner ends."""
        self._at = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_at = at
        self._timer = self._loop.call_at(at, self._fire)

    def _fire(self) -> None:
        self._timer = None
        if self._at is None:
            return
        # The loop's timers count in whole milliseconds and may come a fraction early.
        if self._at - self._loop.time() > 0.001:
            self._arm(self._at)
            return
        self._at = None
        self._expired()
