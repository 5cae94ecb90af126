"""One tenant in the share tree: its weight, its counter, what it holds."""

from evenhand.model import TenantPath
from evenhand.scheduling.least_served import LeastServed
from evenhand.scheduling.pool import Pool

VIRTUAL_PER_UNIT = 720_720 << 10
"""Ticks of normalised service that one unit costs at weight 1.

A weight w pays `VIRTUAL_PER_UNIT // w` ticks a unit. 720720 is the least common multiple of 1 to 16,
so small weights divide it exactly; for others the share is off by at most w / VIRTUAL_PER_UNIT
(1.4e-5 at the greatest weight).
"""

WEIGHT_MAX = 10_000


class Node:
    """A node of the tree. Only `ShareTree` changes it.

    `virtual` is normalised service: the counter that orders siblings. `service_units` is service as
    charged, for people and bounds. `queued_units` is what its waiting requests are expected to cost.
    `views` holds, for each pool that somebody beneath waits for, the children that do;
    `waiting_weight` is the sum of the weights of all `waiting_children`.
    """

    __slots__ = (
        "children",
        "index",
        "last_left",
        "parent",
        "path",
        "pools_waiting",
        "queued_bytes",
        "queued_requests",
        "queued_units",
        "running_requests",
        "service_units",
        "ticks_per_unit",
        "views",
        "virtual",
        "waiting_children",
        "waiting_weight",
        "weight",
    )

    def __init__(self, path: TenantPath, *, weight: int, index: int, parent: "Node | None") -> None:
        assert 1 <= weight <= WEIGHT_MAX
        self.path = path
        self.weight = weight
        self.ticks_per_unit = VIRTUAL_PER_UNIT // weight
        self.index = index
        self.parent = parent
        self.children: dict[str, Node] = {}
        self.virtual = 0
        self.service_units = 0
        self.queued_units = 0
        self.queued_bytes = 0
        self.queued_requests = 0
        self.running_requests = 0
        self.pools_waiting = 0
        self.views: dict[Pool, LeastServed[Node]] = {}
        self.waiting_children: dict[Node, None] = {}
        self.waiting_weight = 0
        self.last_left: Node | None = None

    @property
    def claim(self) -> int:
        """Where the counter would stand if all it has queued were served."""
        return self.virtual + self.queued_units * self.ticks_per_unit
