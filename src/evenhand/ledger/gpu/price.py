"""What GPU time costs."""

from typing import NamedTuple

US_PER_HOUR = 3_600_000_000


class GpuPrice(NamedTuple):
    """`nano_per_hour` nano-units of `currency` for each hour of a GPU; "" where it has no price."""

    nano_per_hour: int
    currency: str


NO_GPU_PRICE = GpuPrice(0, "")


def gpu_nano(gpu_us: int, nano_per_hour: int) -> int:
    """The cost of one row of the account, rounded down, once: sums over rows are the same however they
    are grouped."""
    return gpu_us * nano_per_hour // US_PER_HOUR
