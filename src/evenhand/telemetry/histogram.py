"""A histogram of seconds: cheap to observe (once per token), read at scrape time.

The client library's own takes ten times as long per observation (a lock and a walk over the buckets);
here one thread writes.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable
from itertools import accumulate
from typing import Self


class SecondsHistogram:
    """Counts observations by upper bound. `bounds_s` ascends; beyond the last is infinity."""

    __slots__ = ("_bounds_s", "_counts", "_total_s")

    def __init__(self, bounds_s: tuple[float, ...]) -> None:
        assert list(bounds_s) == sorted(set(bounds_s)), "bounds ascend"
        self._bounds_s = bounds_s
        self._counts = [0] * (len(bounds_s) + 1)
        self._total_s = 0.0

    def observe(self, seconds: float, times: int = 1) -> None:
        """Count `times` observations of so many seconds."""
        self._counts[bisect_left(self._bounds_s, seconds)] += times
        self._total_s += seconds * times

    @classmethod
    def sum(cls, bounds_s: tuple[float, ...], histograms: Iterable[Self]) -> Self:
        """All that those of the same bounds have observed."""
        whole = cls(bounds_s)
        for histogram in histograms:
            whole.add(histogram)
        return whole

    def add(self, other: Self) -> None:
        """Count what another one of the same bounds has observed."""
        self._counts = [a + b for a, b in zip(self._counts, other.counts(), strict=True)]
        self._total_s += other.total_s

    @property
    def bounds_s(self) -> tuple[float, ...]:
        """Ascending."""
        return self._bounds_s

    def counts(self) -> tuple[int, ...]:
        """Observations in each bucket, the one beyond the last bound too."""
        return tuple(self._counts)

    @property
    def count(self) -> int:
        """Observations so far."""
        return sum(self._counts)

    @property
    def total_s(self) -> float:
        """The sum of all observations."""
        return self._total_s

    def buckets(self, shown_s: Collection[float] | None = None) -> list[tuple[str, float]]:
        """Upper bound as text and observations up to it, as the exposition format wants them; where
        `shown_s` is given, only those of these bounds."""
        bounds = [*(str(float(bound)) for bound in self._bounds_s), "+Inf"]
        every = zip((*self._bounds_s, None), bounds, accumulate(self._counts), strict=True)
        return [
            (text, up_to)
            for bound, text, up_to in every
            if shown_s is None or bound is None or bound in shown_s
        ]
