"""How amounts are spread, in a fixed number of integers: a histogram on a scale of half octaves.

Buckets are 0, 1, 2, 3, 4-5, 6-7, 8-11, 12-15, 16-23, 24-31 and so on. What was learned fades: whenever
twice the memory has been taken in, every count is halved. A quantile is interpolated within its bucket,
so it is off by at most a half of itself, and by nothing where all amounts are alike and below 4.
"""

from array import array

BUCKETS = 44
"""The last one begins at 3 * 2^20; greater amounts are taken for that."""

_ONE = 1 << 8
"""What an amount adds to its bucket, so that halving leaves something of it for eight rounds."""


def bucket_of(amount: int) -> int:
    """The bucket of an amount of at least 0."""
    if amount < 2:
        return amount
    octave = amount.bit_length() - 1
    return min(2 * octave + ((amount >> (octave - 1)) & 1), BUCKETS - 1)


def lowest_of(bucket: int) -> int:
    """The least amount of a bucket."""
    if bucket < 2:
        return bucket
    return (2 + (bucket & 1)) << (bucket >> 1) >> 1


class DecayedHistogram:
    """Of the last `memory` to 2 * `memory` amounts, the older ones counting less. About 300 bytes."""

    __slots__ = ("_counts", "_limit", "_total")

    def __init__(self, *, memory: int) -> None:
        assert memory >= 1
        self._counts = array("I", [0]) * BUCKETS
        self._total = 0
        self._limit = 2 * memory * _ONE

    @property
    def amounts(self) -> int:
        """How many it stands for; at most twice the memory."""
        return self._total // _ONE

    def add(self, amount: int) -> None:
        """Take in an amount of at least 0. O(1), amortised."""
        self._counts[bucket_of(amount)] += _ONE
        self._total += _ONE
        if self._total >= self._limit:
            for bucket, count in enumerate(self._counts):
                self._counts[bucket] = count >> 1
            self._total = sum(self._counts)

    def quantile(self, percent: int) -> int:
        """An amount that so many of a hundred do not exceed. It must stand for something. O(buckets)."""
        assert self._total
        wanted = max(1, -(-self._total * percent // 100))
        before = 0
        for bucket, count in enumerate(self._counts):
            if before + count >= wanted:
                lowest, width = lowest_of(bucket), lowest_of(bucket + 1) - lowest_of(bucket)
                return lowest + (width - 1) * (wanted - before) // count
            before += count
        raise AssertionError("the counts are less than their total")
