"""A histogram of seconds: cheap to observe (once per token), read at scrape time.

The client library's own takes ten times as long per observation (a lock and a walk over the buckets);
here one thread writes.
"""

from bisect import bisect_left
from itertools import accumulate


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

    @property
    def count(self) -> int:
        """Observations so far."""
        return sum(self._counts)

    @property
    def total_s(self) -> float:
        """The sum of all observations."""
        return self._total_s

    def buckets(self) -> list[tuple[str, float]]:
        """Upper bound as text and observations up to it, as the exposition format wants them."""
        bounds = [*(str(float(bound)) for bound in self._bounds_s), "+Inf"]
        return list(zip(bounds, accumulate(self._counts), strict=True))
