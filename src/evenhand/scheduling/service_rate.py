"""How fast the engines serve, in units per second: the denominator of every honest Retry-After."""

_MEMORY_S = 8
_FORGET_S = 64


class ServiceRate:
    """Exponentially decayed mean over whole seconds, in integers (times 2^8)."""

    def __init__(self) -> None:
        self._second = 0
        self._second_ends_ms = 1000
        self._units = 0
        self._is_busy = False
        self._mean_scaled: int | None = None

    def add(self, units: int, now_ms: int, *, is_busy: bool = True) -> None:
        """Units that were produced just then; refunds count negative. `is_busy`: whether anything runs
        from here on; seconds in which nothing runs say nothing of the rate."""
        if now_ms >= self._second_ends_ms:
            self._roll(now_ms)
        self._units += units
        self._is_busy = is_busy

    def units_per_s(self, now_ms: int) -> int | None:
        """None until a whole second with work has passed."""
        if now_ms >= self._second_ends_ms:
            self._roll(now_ms)
        return None if self._mean_scaled is None else max(0, self._mean_scaled >> 8)

    def _roll(self, now_ms: int) -> None:
        second = now_ms // 1000
        if second - self._second > _FORGET_S:
            self._mean_scaled = None
        else:
            self._take(self._units)
            for _ in range(second - self._second - 1):
                self._take(0)
        self._second, self._units = second, 0
        self._second_ends_ms = (second + 1) * 1000

    def _take(self, units: int) -> None:
        if units == 0 and not (self._is_busy and self._mean_scaled is not None):
            return
        sample = units << 8
        old = sample if self._mean_scaled is None else self._mean_scaled
        self._mean_scaled = (old * (_MEMORY_S - 1) + sample) // _MEMORY_S
