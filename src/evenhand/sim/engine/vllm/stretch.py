"""When the steps of a stretch end: each takes a constant longer than the one before."""

from math import sqrt


class Stretch:
    """Steps of one batch that only grows older, from the step of number `first` on, which begins at
    `at_ms` and takes `step_ms`; each later one takes `grows_ms` longer. Steps are numbered by how many
    the engine had done before. Equal stretches answer equally, however one asks."""

    __slots__ = ("_at_ms", "_first", "_grows_ms", "_step_ms")

    def __init__(self, first: int, at_ms: float, step_ms: float, grows_ms: float) -> None:
        self._first = first
        self._at_ms = at_ms
        self._step_ms = step_ms
        self._grows_ms = grows_ms

    def end_ms(self, done: int) -> float:
        """The moment at which so many steps of the engine are done; not fewer than `first`."""
        steps = done - self._first
        return self._at_ms + (self._step_ms * steps + self._grows_ms * (steps * (steps - 1) / 2))

    def done_at(self, now_ms: float) -> int:
        """How many steps of the engine are done at that moment; one less than `first` before the
        stretch begins."""
        if now_ms < self._at_ms:
            return self._first - 1
        # The larger root of end_ms(n) = now, in the form that does not cancel.
        slope = self._step_ms - self._grows_ms / 2
        passed = now_ms - self._at_ms
        root = sqrt(slope * slope + 2 * self._grows_ms * passed)
        done = self._first + int(2 * passed / (slope + root))
        while done > self._first and self.end_ms(done) > now_ms:
            done -= 1
        while self.end_ms(done + 1) <= now_ms:
            done += 1
        return done
