"""One tenant in the share tree: its weight, its counter, what it holds."""

from functools import cache

from evenhand.model import EngineName, TenantPath
from evenhand.scheduling.counter_heap import CounterHeap
from evenhand.scheduling.pool import Pool

VIRTUAL_PER_UNIT = 720_720 << 10
"""Ticks of normalised service that one unit costs at weight 1.

A weight w pays `VIRTUAL_PER_UNIT // w` ticks a unit. 720720 is the least common multiple of 1 to 16,
so small weights divide it exactly; for others the share is off by at most w / VIRTUAL_PER_UNIT
(1.4e-5 at the greatest weight).
"""

WEIGHT_MAX = 10_000


@cache
def _ticks_per_unit(weight: int) -> int:
    return VIRTUAL_PER_UNIT // weight


class Left:
    """A child that ceased to wait for a pool. One object for all engines of the pool, so that the next
    child that leaves it takes the place in one step."""

    __slots__ = ("node", "pool")

    def __init__(self, node: "Node", pool: Pool) -> None:
        self.node = node
        self.pool = pool

    @property
    def counter(self) -> int:
        """Of the child, in that pool."""
        return self.node.counter(self.pool)


class Node:
    """A node of the tree. Only `ShareTree` changes it.

    `virtual` is normalised service. Siblings are ordered by it plus the node's lift in the pool they
    wait for (`lifts`). It begins at `virtual_base`, which moves when the weight or the place in the tree
    does, so that all service ever received stays known. `last_ended_ms` is when a request of a leaf
    ended last. `is_held_back`: what waits at a leaf does not compete. `is_leaving`: it goes when nothing
    beneath it is open. `lineage` is the node and all above it, the root last. `queued_units` is what its
    waiting requests are expected to cost. `views` holds, for each pool that somebody beneath waits for,
    the children that do; `last_left` per engine, the child that last ceased to wait for it and the pool
    in which it did, `left_latest` the latest of these; `waiting_weight` sums the weights of the waiting.
    """

    __slots__ = (
        "children",
        "index",
        "is_held_back",
        "is_leaving",
        "last_ended_ms",
        "last_left",
        "left_latest",
        "lifts",
        "lineage",
        "parent",
        "path",
        "queued_bytes",
        "queued_requests",
        "queued_units",
        "running_requests",
        "ticks_per_unit",
        "views",
        "virtual",
        "virtual_base",
        "waiting_children",
        "waiting_pools",
        "waiting_weight",
        "weight",
    )

    def __init__(self, path: TenantPath, *, weight: int, index: int, parent: "Node | None") -> None:
        assert 1 <= weight <= WEIGHT_MAX
        self.path = path
        self.weight = weight
        self.ticks_per_unit = _ticks_per_unit(weight)
        self.index = index
        self.parent = parent
        self.lineage: tuple[Node, ...] = (self, *(parent.lineage if parent else ()))
        self.virtual = 0
        self.virtual_base = 0
        self.last_ended_ms = 0
        self.is_leaving = False
        self.is_held_back = False
        self.queued_units = 0
        self.queued_bytes = 0
        self.queued_requests = 0
        self.running_requests = 0
        self.lifts: dict[Pool, int] = {}
        self.waiting_pools: tuple[Pool, ...] = ()
        self.waiting_weight = 0
        self.children = _NO_CHILDREN
        self.views = _NO_VIEWS
        self.waiting_children = _NOBODY
        self.last_left = _NOBODY_LEFT
        self.left_latest: Left | None = None

    def begin_holding(self) -> None:
        """Before a child comes: most nodes never have one, and have no room for any."""
        if self.children is not _NO_CHILDREN:
            return
        self.children = {}
        self.views = {}
        self.waiting_children = {}
        self.last_left = {}

    @property
    def service_units(self) -> int:
        """Service as charged, for people and bounds. Exact: a charge is a whole number of units."""
        return (self.virtual - self.virtual_base) // self.ticks_per_unit

    def counter(self, pool: Pool) -> int:
        """What orders it among its siblings there."""
        return self.virtual + self.lifts.get(pool, 0)

    @property
    def highest_counter(self) -> int:
        """Its counter where it was lifted most; what people are shown."""
        return self.virtual + max(self.lifts.values(), default=0)

    @property
    def standing(self) -> int:
        """Its highest counter in any pool it waits for."""
        lifts = (self.lifts.get(pool, 0) for pool in self.waiting_pools)
        return self.virtual + max(lifts, default=0)

    @property
    def claim(self) -> int:
        """Where its counter would stand if all it has queued were served."""
        return self.standing + self.queued_units * self.ticks_per_unit


# Of all leaves together. Nobody writes there.
_NO_CHILDREN: dict[str, Node] = {}
_NO_VIEWS: dict[Pool, CounterHeap[Node]] = {}
_NOBODY: dict[Node, None] = {}
_NOBODY_LEFT: dict[EngineName, Left] = {}
