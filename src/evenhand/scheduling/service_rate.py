"""How fast the engines serve, in units per second: the denominator of every honest Retry-After."""

from evenhand.scheduling.node import Node

_MEMORY_S = 8
_FORGET_S = 64


class ServiceRate:
    """Exponentially decayed mean over whole seconds, in integers (times 2^8).

    It reads what was charged in a second, refunds off, and whether anything runs, off the root of the
    share tree. For this it must be told in time: `roll`, at `second_ends_ms` or later, before the root
    changes.
    """

    def __init__(self, root: Node) -> None:
        self._root = root
        self.second_ends_ms = 1000
        """When the second ends that is being measured."""
        self._units_before = 0
        self._mean_scaled: int | None = None

    def units_per_s(self, now_ms: int) -> int | None:
        """None until a whole second with work has passed."""
        if now_ms >= self.second_ends_ms:
            self.roll(now_ms)
        return None if self._mean_scaled is None else max(0, self._mean_scaled >> 8)

    def roll(self, now_ms: int) -> None:
        """Take in the seconds that have passed. `now_ms` is at least `second_ends_ms`."""
        units, second = self._root.service_units, now_ms // 1000
        idle_seconds = second - self.second_ends_ms // 1000
        if idle_seconds >= _FORGET_S:
            self._mean_scaled = None
        else:
            self._take(units - self._units_before)
            for _ in range(idle_seconds):
                self._take(0)
        self._units_before = units
        self.second_ends_ms = (second + 1) * 1000

    def _take(self, units: int) -> None:
        """A second's work. One in which nothing runs says nothing of the rate."""
        if units == 0 and not (self._root.running_requests and self._mean_scaled is not None):
            return
        sample = units << 8
        old = sample if self._mean_scaled is None else self._mean_scaled
        self._mean_scaled = (old * (_MEMORY_S - 1) + sample) // _MEMORY_S
