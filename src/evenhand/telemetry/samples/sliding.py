"""Sums over the last minutes, kept in buckets: adding and reading cost nothing for the buckets."""

from collections import deque
from collections.abc import Mapping, Sequence

from evenhand.scheduling import Node


class SlidingSums:
    """Rows of numbers by leaf, over `buckets` times `bucket_s` seconds, the newest of them under way.
    Bounded by the leaves that had a row in that time."""

    def __init__(self, *, bucket_s: int, buckets: int) -> None:
        self._bucket_s = bucket_s
        self._buckets: deque[dict[Node, list[int]]] = deque(maxlen=buckets)
        self._seconds = 0
        self.sums: dict[Node, list[int]] = {}
        """Only to be read."""

    def second(self, rows: Mapping[Node, Sequence[int]]) -> None:
        """Add the rows of the next second, all of one width."""
        if self._seconds % self._bucket_s == 0:
            self._begin()
        self._seconds += 1
        bucket = self._buckets[-1]
        for leaf, row in rows.items():
            for sums in (bucket, self.sums):
                known = sums.get(leaf)
                if known is None:
                    sums[leaf] = list(row)
                    continue
                for place, number in enumerate(row):
                    known[place] += number

    def _begin(self) -> None:
        """Another bucket; the oldest is forgotten."""
        if len(self._buckets) == self._buckets.maxlen:
            for leaf, row in self._buckets[0].items():
                known = self.sums[leaf]
                for place, number in enumerate(row):
                    known[place] -= number
                if not any(known):
                    del self.sums[leaf]
        self._buckets.append({})
