"""Quantiles of numbers that keep coming, in little memory: counts by half powers of two, that fade."""

from bisect import bisect_left
from itertools import accumulate

_BUCKETS = 64
_FADES_AT = 1024


class Lengths:
    """Whole numbers from 0 on. Once a thousand were counted all counts are halved, so that what was long
    ago weighs little. A quantile is told to within a factor of 1.5."""

    __slots__ = ("_counts", "_total", "count", "total")

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self._total = 0
        self.count = 0
        """How many came, ever."""
        self.total = 0
        """Their sum, ever."""

    def add(self, number: int) -> None:
        """Count one."""
        self._counts[bisect_left(_UPPER, number, 0, _BUCKETS - 1)] += 1
        self._total += 1
        self.count += 1
        self.total += number
        if self._total >= _FADES_AT:
            self._counts = [count >> 1 for count in self._counts]
            self._total = sum(self._counts)

    @property
    def mean(self) -> int:
        """Of all that ever came, rounded down; 0: none came."""
        return self.total // self.count if self.count else 0

    def quantile(self, percent: int) -> int:
        """The least bound of a bucket below which so many of a hundred are; 0: none came."""
        wanted = -(-self._total * percent // 100)
        for bucket, up_to in enumerate(accumulate(self._counts)):
            if wanted and up_to >= wanted:
                return _UPPER[bucket]
        return 0


def _upper(bucket: int) -> int:
    """The greatest number of a bucket: 0, 1, then two for each power of two, which end at 2, 3, 5, 7,
    11, 15, ..."""
    if bucket <= 1:
        return bucket
    power, half = divmod(bucket, 2)
    return ((2 + half + 1) << (power - 1)) - 1


_UPPER = tuple(_upper(bucket) for bucket in range(_BUCKETS))
"""Of every bucket; what is beyond the last one counts there."""
