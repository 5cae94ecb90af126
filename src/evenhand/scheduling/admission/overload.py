"""Whether there is more work than the engines can do in time, and has been for a while."""

from typing import NamedTuple

from evenhand.model import LaneName


class OverloadStatus(NamedTuple):
    """For people and metrics. `drain_ms` is how long what waits would take at the rate measured at the
    last arrival, None: there was none; `since_ms` is when the overload began to be acted on, None: there
    is none in any lane, else in the first. `lanes` are those in which there is, where there are lanes.
    `throttled` counts the requests refused for it since the start."""

    drain_ms: int | None
    target_ms: int
    since_ms: int | None
    throttled: int
    lanes: tuple[LaneName, ...] = ()

    @property
    def is_overloaded(self) -> bool:
        return self.since_ms is not None


class Overload:
    """Begins when the drain time has been above the target for `sustained_ms`, ends when it is below
    `cleared_percent` of it.

    Must be measured before anything is added to the queue: between two additions the drain time only
    falls while the engines keep their pace, so no dip is missed.
    """

    def __init__(self, *, target_ms: int, sustained_ms: int, cleared_percent: int) -> None:
        self.target_ms = target_ms
        self._sustained_ms = sustained_ms
        self._cleared_ms = target_ms * cleared_percent // 100
        self._above_since_ms: int | None = None
        self.since_ms: int | None = None
        """Since when there is an overload; None: there is none."""

    def measure(self, drain_ms: int | None, now_ms: int) -> None:
        """The drain time at this moment; None: no rate is measured, or an engine may be able to take
        more, and so there is no overload."""
        if self.since_ms is not None:
            if self.would_end(drain_ms):
                self.since_ms = self._above_since_ms = None
            return
        if drain_ms is None or drain_ms <= self.target_ms:
            self._above_since_ms = None
            return
        if self._above_since_ms is None:
            self._above_since_ms = now_ms
        if now_ms - self._above_since_ms >= self._sustained_ms:
            self.since_ms = now_ms

    def would_end(self, drain_ms: int | None) -> bool:
        """Whether an overload would be over with that drain time."""
        return drain_ms is None or drain_ms < self._cleared_ms
