"""How long requests waited: count and sum exactly, quantiles to within 1/32, in bounded memory."""

_EXACT_BELOW_MS = 32
"""From here on a bucket is a sixteenth of its power of two wide."""


class Waits:
    """Waits in milliseconds. Some 400 buckets would hold a whole day; only used ones are kept."""

    __slots__ = ("_buckets", "count", "total_ms")

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self.count = 0
        self.total_ms = 0

    def add(self, ms: int) -> None:
        """One request waited so long."""
        assert ms >= 0
        bucket = _bucket(ms)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        self.count += 1
        self.total_ms += ms

    def include(self, other: "Waits") -> None:
        """Add all that the other has."""
        for bucket, count in other._buckets.items():  # noqa: SLF001 - of our own kind
            self._buckets[bucket] = self._buckets.get(bucket, 0) + count
        self.count += other.count
        self.total_ms += other.total_ms

    def mean_ms(self) -> int | None:
        """Rounded; None while nobody has waited."""
        return (self.total_ms + self.count // 2) // self.count if self.count else None

    def quantile_ms(self, percent: int) -> int | None:
        """The wait that so many percent did not exceed (nearest rank, the middle of its bucket)."""
        assert 0 < percent <= 100
        rank = -(-self.count * percent // 100)
        for bucket in sorted(self._buckets):
            rank -= self._buckets[bucket]
            if rank <= 0:
                return _middle_ms(bucket)
        return None


def _bucket(ms: int) -> int:
    """The five leading bits tell it: 16 buckets for every power of two."""
    shift = max(0, ms.bit_length() - 5)
    return (shift << 4) + (ms >> shift)


def _middle_ms(bucket: int) -> int:
    if bucket < _EXACT_BELOW_MS:
        return bucket
    shift = (bucket >> 4) - 1
    return ((16 + (bucket & 15)) << shift) + (1 << shift >> 1)
