"""Within what a window moves, and where it begins."""

from dataclasses import dataclass

_START = 8
_START_BEYOND_SLOTS = 1
_BEYOND_SLOTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowLimits:
    """`minimum` and `maximum` hold whatever an engine says. `slots` is how many requests it computes at
    once, where that is known beforehand. `kept_free_percent` of the window may be kept free though
    somebody waits, for whoever comes and may not wait."""

    minimum: int = 1
    maximum: int = 1024
    slots: int | None = None
    kept_free_percent: int = 0

    def __post_init__(self) -> None:
        assert 1 <= self.minimum <= self.maximum

    def fitting(self, window: int) -> int:
        """The nearest that is allowed."""
        return max(self.minimum, min(self.maximum, window))

    def start(self, slots: int | None) -> int:
        """Where to begin with an engine of so many slots; None: nobody knows. One more than slots, or
        a slot that comes free would be empty until the gateway has heard of it; but not where that one
        would sit on a slot that is kept free."""
        if slots is None:
            return self.fitting(_START)
        return self.fitting(slots + (0 if self.kept_free_percent else _START_BEYOND_SLOTS))

    def most(self, slots: int | None) -> int:
        """How far it may open."""
        if slots is None:
            return self.maximum
        return self.fitting(slots + (0 if self.kept_free_percent else _BEYOND_SLOTS))

    def is_full(self, in_flight: int, window: int) -> bool:
        """Whether who waits finds no slot of such a window."""
        return in_flight + -(-window * self.kept_free_percent // 100) >= window
