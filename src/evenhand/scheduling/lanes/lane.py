"""A lane as configured: what it aims at, what part of the engines it may count on, its price."""

from dataclasses import dataclass

from evenhand.model import LaneName

NORMAL_PRICE_PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A class of service. The first of the lanes goes first.

    `ttft_ms_target` is how long its requests should wait at most; None: it has no deadline.
    `floor_percent` and `ceiling_percent` are parts of the windows of all engines that are up, rounded
    down to whole slots, the ceiling to one at least. `keeps_floor_free`: what the lane does not use of
    its floor nobody else may use. `price_percent` is what a unit of its work adds to the account of
    its tenant, 100 being the normal price. A pool of it that has been passed over for `ageing_ms` goes
    first.
    """

    name: LaneName
    ttft_ms_target: int | None = None
    floor_percent: int = 0
    ceiling_percent: int = 100
    keeps_floor_free: bool = False
    price_percent: int = NORMAL_PRICE_PERCENT
    ageing_ms: int = 10_000

    def __post_init__(self) -> None:
        assert self.ttft_ms_target is None or self.ttft_ms_target >= 0
        assert 0 <= self.floor_percent <= self.ceiling_percent <= 100
        assert self.ceiling_percent >= 1
        assert self.price_percent >= 1
        assert self.ageing_ms >= 0

    def floor_slots(self, window: int) -> int:
        """Slots of `window` in all that it can count on."""
        return self.floor_percent * window // 100

    def ceiling_slots(self, window: int) -> int:
        """Slots of `window` in all beyond which others go first."""
        return max(1, self.ceiling_percent * window // 100)


def priced(units: int, price_percent: int) -> int:
    """What work is charged in a lane, rounded up. It does not fall while `units` grow, so charging the
    difference whenever more is known adds up to the price of all of it."""
    return -(-units * price_percent // 100)
