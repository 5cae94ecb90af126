"""How each tenant stands: what it was promised, what it has received."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nlargest
from operator import attrgetter

from evenhand.model import TenantPath
from evenhand.scheduling import VIRTUAL_PER_UNIT, Node, ShareTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A tenant at one moment. Shares are parts of the whole, 0 to 1; `virtual_units` is the counter
    that orders it among its siblings, in service units per unit of weight."""

    path: TenantPath
    is_leaf: bool
    weight: int
    share_promised: float
    share_received: float
    service_units: int
    virtual_units: int
    queued_requests: int
    running_requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """The sum of all leaves that are not named."""

    tenants: int
    share_promised: float
    share_received: float
    service_units: int
    queued_requests: int
    running_requests: int


class Standings:
    """Reads a share tree. What depends on its shape alone is computed when that has changed, so that
    asking costs one pass over the leaves (measured: 4 ms for 100,000)."""

    def __init__(self, tree: ShareTree) -> None:
        self._tree = tree
        self._root = tree.root
        self._version = -1
        self._promised = array("d")
        self._leaves: list[Node] = []
        self._weight_min = 1

    @property
    def leaves(self) -> int:
        """Leaves in the tree: tenants that requests belong to."""
        self._look()
        return len(self._leaves)

    @property
    def weight_min(self) -> int:
        """The least weight anywhere in the tree."""
        self._look()
        return self._weight_min

    def _look(self) -> None:
        if self._version == self._tree.version:
            return
        self._version = self._tree.version
        nodes = list(self._tree.nodes())
        self._promised = array("d", bytes(8 * self._tree.index_end))
        self._promised[self._root.index] = 1.0
        for node in nodes:
            weights = sum(child.weight for child in node.children.values())
            for child in node.children.values():
                promised = self._promised[node.index] * child.weight / weights
                self._promised[child.index] = promised
        self._leaves = [node for node in nodes if not node.children and node is not self._root]
        self._weight_min = min((node.weight for node in nodes if node.parent), default=1)

    def top(self, tenants_max: int) -> tuple[list[Node], Rest | None]:
        """Find the leaves that were served most, and the sum of the others; None: there are none."""
        self._look()
        top = nlargest(tenants_max, self._leaves, key=attrgetter("service_units"))
        if len(top) == len(self._leaves):
            return top, None
        return top, self._rest(top)

    def of(self, node: Node) -> Standing:
        """How that node stands."""
        self._look()
        return Standing(
            path=node.path,
            is_leaf=not node.children,
            weight=node.weight,
            share_promised=self._promised[node.index],
            share_received=self._received(node.service_units),
            service_units=node.service_units,
            virtual_units=node.highest_counter // VIRTUAL_PER_UNIT,
            queued_requests=node.queued_requests,
            running_requests=node.running_requests,
        )

    def _rest(self, top: Iterable[Node]) -> Rest:
        # The root's numbers are the sums over all leaves (and what those received that are gone), so
        # nothing is walked here but the top.
        tenants = len(self._leaves)
        promised = 1.0
        root = self._root
        service_units, queued, running = (
            root.service_units,
            root.queued_requests,
            root.running_requests,
        )
        for node in top:
            tenants -= 1
            promised -= self._promised[node.index]
            service_units -= node.service_units
            queued -= node.queued_requests
            running -= node.running_requests
        return Rest(
            tenants=tenants,
            share_promised=max(0.0, promised),
            share_received=self._received(service_units),
            service_units=service_units,
            queued_requests=queued,
            running_requests=running,
        )

    def _received(self, service_units: int) -> float:
        total_units = self._root.service_units
        return service_units / total_units if total_units else 0.0
