"""Batches are numbered without a gap: what a number says that comes after another."""

from enum import Enum, auto


class Place(Enum):
    """Where a batch stands."""

    NEXT = auto()
    KNOWN = auto()
    """It was taken already."""
    GAP = auto()
    """Others were missed before it."""
    ANEW = auto()
    """The engine counts from the beginning again: it is another process."""


class Numbering:
    """Of one engine. What it publishes only grows; what is sent again may have been taken already."""

    def __init__(self) -> None:
        self._heard = -1
        self.next = 0
        """The number that should come next. Of an engine that ran before us all are missing at first."""

    def heard(self, number: int) -> Place:
        """One that was published."""
        if number <= self._heard:
            return Place.ANEW
        self._heard = number
        return self.asked(number)

    def asked(self, number: int) -> Place:
        """One that was sent again."""
        if number < self.next:
            return Place.KNOWN
        return Place.NEXT if number == self.next else Place.GAP

    def took(self, number: int) -> None:
        self.next = number + 1

    def begin_anew(self) -> None:
        self._heard, self.next = -1, 0
