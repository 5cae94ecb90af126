"""One timer per connection that notices when an engine has gone silent."""

import asyncio
from collections.abc import Callable


class SilenceWatch:
    """Calls `on_silent` once when nothing was heard for as long as allowed.

    Beginning an answer, hearing a piece of it and stopping only note the time: the timer finds out
    when it fires, and sleeps again for the rest. So one timer serves many answers (measured: two timers
    an answer cost as much as parsing it). `close` must be called at the end.
    """

    __slots__ = (
        "_due_at",
        "_is_watching",
        "_limit_s",
        "_loop",
        "_on_silent",
        "_timer",
        "heard_at",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, on_silent: Callable[[], None]) -> None:
        self._loop = loop
        self._on_silent = on_silent
        self._limit_s = 0.0
        self.heard_at = 0.0
        """When the silence began, by the loop's clock. Moved by whoever hears something."""
        self._is_watching = False
        self._timer: asyncio.TimerHandle | None = None
        self._due_at = 0.0

    def begin(self, limit_s: float, now_s: float) -> None:
        """Watch another answer, whose silence begins now."""
        self._limit_s = limit_s
        self.heard_at = now_s
        self._is_watching = True
        if self._timer is None or self._due_at > now_s + limit_s:
            self._arm()

    def limit(self, limit_s: float) -> None:
        """Allow another length of silence from this moment on."""
        self._limit_s = limit_s
        self.heard_at = self._loop.time()
        if self._is_watching:
            self._arm()

    def stop(self) -> None:
        """Watch no longer, until `start` or `begin`."""
        self._is_watching = False

    def start(self) -> None:
        """Watch again; the silence begins anew."""
        self.begin(self._limit_s, self._loop.time())

    def close(self) -> None:
        """Let go of the timer."""
        self._is_watching = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        """See that the timer fires no later than the silence would be too long."""
        due_at = self.heard_at + self._limit_s
        if self._timer is not None:
            if self._due_at <= due_at:
                return
            self._timer.cancel()
        self._due_at = due_at
        self._timer = self._loop.call_at(due_at, self._due)

    def _due(self) -> None:
        self._timer = None
        if not self._is_watching:
            return
        if self._loop.time() < self.heard_at + self._limit_s:
            self._arm()
        else:
            self._is_watching = False
            self._on_silent()
