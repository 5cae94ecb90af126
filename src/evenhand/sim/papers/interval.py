"""A range of values that counts as the same result; fixed before anything is run."""

from typing import NamedTuple

_ENDLESS = float("inf")


class Interval(NamedTuple):
    """From `least` to `most`, both included."""

    least: float = -_ENDLESS
    most: float = _ENDLESS

    def holds(self, value: float) -> bool:
        """Whether the value lies in it."""
        return self.least <= value <= self.most

    def __str__(self) -> str:
        if self.least == self.most:
            return f"{self.least:.4g}"
        if self.most == _ENDLESS:
            return f"at least {self.least:.4g}"
        if self.least == -_ENDLESS:
            return f"at most {self.most:.4g}"
        return f"{self.least:.4g} to {self.most:.4g}"


def about(value: float, *, part: float) -> Interval:
    """Up to so large a part of the value away from it."""
    away = abs(value) * part
    return Interval(value - away, value + away)


def near(value: float, *, by: float) -> Interval:
    """Up to so far away from the value."""
    return Interval(value - by, value + by)


def at_least(value: float) -> Interval:
    """The value and all above."""
    return Interval(least=value)


def at_most(value: float) -> Interval:
    """The value and all below."""
    return Interval(most=value)
