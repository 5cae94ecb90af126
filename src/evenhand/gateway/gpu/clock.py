"""Wall time that never goes back and never jumps: set once, then carried on by the monotonic clock."""

import time


class GpuClock:
    """Microseconds since 1970, but never before `not_before_us`: an account that is already on disk goes
    on, also where the machine's clock was set back meanwhile."""

    def __init__(self, *, not_before_us: int = 0) -> None:
        wall_us = max(time.time_ns() // 1000, not_before_us)
        self.offset_us = wall_us - time.monotonic_ns() // 1000
        """From the machine's monotonic clock to this one."""

    def now_us(self) -> int:
        return time.monotonic_ns() // 1000 + self.offset_us
