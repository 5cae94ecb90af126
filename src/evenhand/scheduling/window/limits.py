"""Within what a window moves, and where it begins."""

from dataclasses import dataclass

_START = 8
_START_BEYOND_SLOTS = 1
_BEYOND_SLOTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowLimits:
    """`minimum` and `maximum` hold whatever an engine says. `slots` is how many requests it computes at
    once, where that is known beforehand."""

    minimum: int = 1
    maximum: int = 1024
    slots: int | None = None

    def __post_init__(self) -> None:
        assert 1 <= self.minimum <= self.maximum

    def fitting(self, window: int) -> int:
        """The nearest that is allowed."""
        return max(self.minimum, min(self.maximum, window))

    def start(self, slots: int | None) -> int:
        """Where to begin with an engine of so many slots; None: nobody knows. One more than slots, or
        a slot that comes free would be empty until the gateway has heard of it."""
        return self.fitting(_START if slots is None else slots + _START_BEYOND_SLOTS)

    def most(self, slots: int | None) -> int:
        """How far it may open."""
        return self.maximum if slots is None else self.fitting(slots + _BEYOND_SLOTS)
