"""Finds out that a stream of numbers has shifted, whatever its distribution. Derivation: drift.md.

A median is learnt; from then on only the side of it on which a number falls counts. Two CUSUMs, one for
each side, in whole numbers.
"""

from collections import deque
from statistics import median_low
from typing import NamedTuple

LEARNT_FROM = 256
"""Numbers of which the median is taken."""
UNIT = 8
DRAG = 3
"""What a sum loses with each number, in eighths, so that it falls while nothing changes."""
LIMIT = 24 * UNIT
"""A sum beyond which the stream has shifted."""
_RECENT = 32


class Shift(NamedTuple):
    """The median was `before` and is `after` of late."""

    before: int
    after: int


class Drift:
    """One stream. After a shift it learns anew."""

    __slots__ = ("_above", "_at_median", "_below", "_learning", "_median", "_recent")

    def __init__(self) -> None:
        self._learning: list[int] = []  # bounded by LEARNT_FROM
        self._recent: deque[int] = deque(maxlen=_RECENT)
        self._median = 0
        self._at_median = 0
        self._above = self._below = 0

    def add(self, number: int) -> Shift | None:
        """Take a number in; not None: with it the stream is found to have shifted."""
        if len(self._learning) < LEARNT_FROM:
            self._learning.append(number)
            if len(self._learning) == LEARNT_FROM:
                self._learnt()
            return None
        self._recent.append(number)
        score = self._at_median
        if number != self._median:
            score = UNIT if number > self._median else -UNIT
        self._above = max(0, self._above + score - DRAG)
        self._below = max(0, self._below - score - DRAG)
        if max(self._above, self._below) < LIMIT:
            return None
        shift = Shift(self._median, median_low(self._recent))
        self._learning = []
        self._recent.clear()
        self._above = self._below = 0
        return shift

    def _learnt(self) -> None:
        """The median, and the score at which numbers that are just the median leave the mean at 0."""
        self._median = median = median_low(self._learning)
        below = sum(1 for number in self._learning if number < median)
        above = sum(1 for number in self._learning if number > median)
        self._at_median = UNIT * (below - above) // (LEARNT_FROM - below - above)
