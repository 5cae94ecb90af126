"""One timer per answer that notices when an engine has gone silent."""

import asyncio
from collections.abc import Callable


class SilenceWatch:
    """Calls `on_silent` once when nothing was heard for as long as allowed.

    Hearing something only notes the time; the timer finds out when it fires, and sleeps again for
    the rest. `stop` must be called when the answer is over.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, limit_s: float, on_silent: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._limit_s = limit_s
        self._on_silent = on_silent
        self._heard_at = loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._arm()

    def heard(self) -> None:
        """Begin the silence anew."""
        self._heard_at = self._loop.time()

    def limit(self, limit_s: float) -> None:
        """Allow another length of silence from this moment on."""
        shorter = limit_s < self._limit_s and self._timer is not None
        self._limit_s = limit_s
        self.heard()
        if shorter:
            self._arm()

    def stop(self) -> None:
        """Watch no longer, for good or until `start`."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def start(self) -> None:
        """Watch again; the silence begins anew."""
        self.heard()
        self._arm()

    def _arm(self) -> None:
        self.stop()
        self._timer = self._loop.call_at(self._heard_at + self._limit_s, self._due)

    def _due(self) -> None:
        self._timer = None
        if self._loop.time() < self._heard_at + self._limit_s:
            self._arm()
        else:
            self._on_silent()
