"""Requests that we have given up and that an engine may still be at.

An engine learns that a client has left by a closed connection, some time later, and some go on to the
end all the same. Until it says that it has stopped, or a grace has ended, the slot counts as taken:
what an engine can compute at once is what it holds, not what we believe.
"""

from collections import deque
from typing import Final

from evenhand.model import EngineReport

GRACE_MS: Final = 2_000
"""How long, unless the configuration says otherwise."""


class Ghosts:
    """Those of one engine."""

    def __init__(self, *, grace_ms: int = GRACE_MS) -> None:
        self._grace_ms = grace_ms
        # Each holds a slot of the engine's window, which is the bound.
        self._since_ms: deque[int] = deque()
        self.count_total = 0
        """How many there ever were."""

    def __len__(self) -> int:
        return len(self._since_ms)

    @property
    def due_ms(self) -> int | None:
        """When the next one's grace ends; None: there is none."""
        return self._since_ms[0] + self._grace_ms if self._since_ms else None

    def add(self, now_ms: int) -> bool:
        """A request was given up. False: there is no grace."""
        if not self._grace_ms:
            return False
        self.count_total += 1
        self._since_ms.append(now_ms)
        return True

    def expire(self, now_ms: int) -> bool:
        """Let those go whose grace has ended; whether there were any."""
        before = len(self._since_ms)
        while self._since_ms and self._since_ms[0] + self._grace_ms <= now_ms:
            self._since_ms.popleft()
        return len(self._since_ms) < before

    def confirm(self, report: EngineReport, *, in_flight: int, asked_ms: int) -> bool:
        """The engine says how many requests it has; those beyond what is in flight there, which must
        all have been sent before it was asked, are ghosts. Whether fewer are left than before.

        It was asked at `asked_ms`; what was given up later, it cannot have confirmed.
        """
        if report.running is None:
            return False
        left = max(0, report.running + (report.waiting or 0) - in_flight)
        later = sum(since_ms >= asked_ms for since_ms in self._since_ms)
        before = len(self._since_ms)
        while len(self._since_ms) > max(left, later):
            self._since_ms.popleft()
        return len(self._since_ms) < before

    def clear(self) -> bool:
        """The engine has restarted: nothing of what it had is left. Whether there were any."""
        had_any = bool(self._since_ms)
        self._since_ms.clear()
        return had_any
