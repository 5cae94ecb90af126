"""A lane at this moment, for people and metrics."""

from typing import NamedTuple

from evenhand.model import LaneName


class LaneStanding(NamedTuple):
    """`floor_slots` and `ceiling_slots` are of the engines that are up at this moment. `oldest_wait_ms`
    is 0 while nothing waits."""

    name: LaneName
    in_flight: int
    waiting: int
    oldest_wait_ms: int
    floor_slots: int
    ceiling_slots: int
