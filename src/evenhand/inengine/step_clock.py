"""One time for all that happens in one step of an engine."""

import time


class StepClock:
    """Monotonic. Whom the core has named first at some moment is first only at that moment, so within a
    step time stands still."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.tick()

    def tick(self) -> None:
        """A step begins, or something came from outside."""
        self.now_ms = max(self.now_ms, time.monotonic_ns() // 1_000_000)
