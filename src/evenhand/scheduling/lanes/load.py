"""What a lane and its pools hold at this moment. Only `Lanes` changes it."""

from collections import OrderedDict

from evenhand.scheduling.lanes.lane import Lane
from evenhand.scheduling.ticket import Ticket


class PoolLoad:
    """Of one pool, which is of one lane. `waiting` is in order of time, the oldest first. `passed_ms` is
    when another lane first took a slot that it could have had, since it began to wait or last started
    something; None: that has not happened."""

    __slots__ = ("in_flight", "lane", "passed_ms", "waiting")

    def __init__(self, lane: "LaneLoad") -> None:
        self.lane = lane
        self.in_flight = 0
        self.waiting: OrderedDict[Ticket, None] = OrderedDict()  # bounded by the queue's limits
        self.passed_ms: int | None = None

    def oldest_ms(self) -> int | None:
        """When its oldest waiting request began to wait; None: nothing waits."""
        return next(iter(self.waiting)).queued_ms if self.waiting else None


class LaneLoad:
    """Of one lane. `rank` is its place in the order of precedence."""

    __slots__ = ("in_flight", "lane", "pools", "rank")

    def __init__(self, lane: Lane, rank: int) -> None:
        self.lane = lane
        self.rank = rank
        self.in_flight = 0
        self.pools: list[PoolLoad] = []

    def lacks(self, window: int) -> int:
        """Slots that it has less than its floor."""
        return max(0, self.lane.floor_slots(window) - self.in_flight)

    @property
    def waiting(self) -> int:
        return sum(len(pool.waiting) for pool in self.pools)

    def oldest_ms(self) -> int | None:
        """When its oldest waiting request began to wait; None: nothing waits."""
        since = (pool.oldest_ms() for pool in self.pools)
        return min((ms for ms in since if ms is not None), default=None)
