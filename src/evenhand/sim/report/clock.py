"""The unit in which a run's time is told on an axis."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_UNITS = (("s", 1.0), ("min", 60.0), ("h", 3_600.0), ("days", 86_400.0))
_TICKS_MIN = 5
"""A unit of which there are fewer is too large."""


@dataclass(frozen=True, slots=True)
class Clock:
    """`name` is the unit."""

    name: str
    seconds: float

    def of(self, instants_s: Sequence[float]) -> list[float]:
        """Seconds in this unit."""
        return [instant_s / self.seconds for instant_s in instants_s]


def clock_for(lengths_s: Iterable[float]) -> Clock:
    """The largest unit of which there are enough."""
    longest_s = max(lengths_s, default=0.0)
    fitting = [unit for unit in _UNITS if longest_s >= _TICKS_MIN * unit[1]]
    return Clock(*(fitting[-1] if fitting else _UNITS[0]))
