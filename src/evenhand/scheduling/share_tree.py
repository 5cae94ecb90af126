"""The share tree: who has received least for its weight. Derivation and bound: order/vtc.md.

Every node has a counter of normalised service. A charge to a leaf is added to the counter of each node
on its path. To pick, walk down from the root, at each node to the child with the least counter among
those that wait for an open pool. A child that begins to wait is lifted to those that wait already, so
idling banks nothing; it is never lowered, so a debt stays.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from evenhand.model import EngineName, TenantPath
from evenhand.scheduling.counter_heap import CounterHeap
from evenhand.scheduling.node import Node
from evenhand.scheduling.pool import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantShare:
    """A tenant as configured: its name among its siblings, its weight, who is beneath it."""

    name: str
    weight: int = 1
    children: tuple["TenantShare", ...] = field(default=())


class ShareTree:
    """Counters, activity and the pick. Weights are positive integers, depth is free."""

    def __init__(self, tenants: Iterable[TenantShare], *, lifts: bool = True) -> None:
        """`lifts` False: who begins to wait keeps its old counter, and so the credit of having idled."""
        self._lifts = lifts
        self._nodes = 0
        self._leaves: dict[TenantPath, Node] = {}
        self.root = self._node((), TenantShare(name="", children=tuple(tenants)), None)

    def _node(self, path: TenantPath, share: TenantShare, parent: Node | None) -> Node:
        node = Node(path, weight=share.weight, index=self._nodes, parent=parent)
        self._nodes += 1
        for child in share.children:
            assert child.name not in node.children, f"two siblings are called {child.name}"
            node.children[child.name] = self._node((*path, child.name), child, node)
        if not node.children:
            self._leaves[path] = node
        return node

    def leaf(self, path: TenantPath) -> Node:
        """The leaf of that path; the host has checked that it exists."""
        leaf = self._leaves.get(path)
        assert leaf is not None, f"{'/'.join(path)} is not a leaf"
        return leaf

    def nodes(self) -> Iterator[Node]:
        """All nodes, the root first, parents before children."""
        stack = [self.root]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children.values()))

    def charge(self, leaf: Node, units: int) -> None:
        """Add service to a leaf and all above it, at least 0: refunds come by `occupy`. O(depth)."""
        for node in leaf.lineage:
            node.virtual += units * node.ticks_per_unit

    def occupy(self, leaf: Node, requests: int, units: int) -> None:
        """So many more requests run beneath a leaf and all above it (-1: one less), and so many units
        are charged there; less than 0: refunded. O(depth)."""
        for node in leaf.lineage:
            node.running_requests += requests
            node.virtual += units * node.ticks_per_unit
        if units < 0:
            assert leaf.virtual >= 0, "refunded more than was charged"
            if self.root.views:
                _note_refund(leaf)

    def join(self, leaf: Node, pool: Pool) -> None:
        """The leaf has begun to wait for a pool. Lifts every node on the path that did not."""
        node = leaf
        while node.parent is not None:
            parent = node.parent
            if self._lifts:
                _lift(node, pool)
            if not node.waiting_pools:
                parent.waiting_children[node] = None
                parent.waiting_weight += node.weight
            node.waiting_pools.add(pool)
            view = parent.views.get(pool)
            is_first = view is None
            if view is None:
                view = parent.views[pool] = CounterHeap()
            view.add(node, node.lifts.get(pool, 0))
            if not is_first:
                return
            node = parent

    def leave(self, leaf: Node, pool: Pool) -> None:
        """The leaf waits for that pool no more."""
        node = leaf
        while node.parent is not None:
            parent = node.parent
            view = parent.views[pool]
            view.remove(node)
            for engine in pool.engines:
                parent.last_left[engine] = (node, pool)
            node.waiting_pools.remove(pool)
            if not node.waiting_pools:
                del parent.waiting_children[node]
                parent.waiting_weight -= node.weight
            if len(view):
                return
            del parent.views[pool]
            node = parent

    def pass_through(self, leaf: Node, pool: Pool) -> None:
        """It is the leaf's turn as soon as it waits for a pool for which nobody waits: does what `join`
        and then `leave` would do."""
        assert pool not in self.root.views
        for node in leaf.lineage:
            parent = node.parent
            if parent is None:
                return
            if self._lifts:
                _lift(node, pool)
            left = (node, pool)
            for engine in pool.engines:
                parent.last_left[engine] = left

    def least_served_leaf(self, open_pools: Iterable[Pool]) -> Node:
        """The leaf whose turn it is among those that wait for one of these pools. There must be one."""
        node = self.root
        while node.children:
            node = _least_served_child(node, open_pools)
        return node

    def furthest_over_share(self) -> Node | None:
        """The waiting leaf that would stand highest if all it has queued were served.

        Not by the counter alone: fair queueing keeps the counters of waiting tenants within one
        bound of each other, so the counter does not tell who floods. O(waiting siblings) a level.
        """
        return self._highest(lambda node: node.claim)

    def largest_in_queue(self) -> Node | None:
        """The waiting leaf whose requests occupy most bytes for its weight."""
        return self._highest(lambda node: node.queued_bytes * node.ticks_per_unit)

    def _highest(self, height: Callable[[Node], int]) -> Node | None:
        node = self.root
        if not node.waiting_children:
            return None
        while node.children:
            node = max(node.waiting_children, key=lambda child: (height(child), child.index))
        return node


def _least_served_child(node: Node, pools: Iterable[Pool]) -> Node:
    """THE line that picks the next tenant: the least normalised service goes next."""
    views = [node.views[pool] for pool in pools if pool in node.views]
    if len(views) == 1:
        return views[0].least()[1]
    return min((view.least() for view in views), key=lambda found: (found[0], found[1].index))[1]


def _note_refund(leaf: Node) -> None:
    """Counters shrank, from the leaf to the root: tell whoever keeps them in order."""
    for node in leaf.lineage:
        if node.parent is not None:
            for view in node.parent.views.values():
                if node in view:
                    view.shrunk(node)


def _lift(node: Node, pool: Pool) -> None:
    """Raise a node that begins to wait for a pool to the present there: no credit is banked by idling
    or by waiting elsewhere, no debt is erased.

    The present is the least counter of the siblings that wait for the same pool; failing these, the
    highest over the pool's engines of the least counter that waits for that engine, or else of the
    counter of the one that ceased to wait for it last (the VTC artifact does not lift at all then).
    """
    parent = node.parent
    assert parent is not None
    view = parent.views.get(pool)
    if view is not None:
        present, _ = view.least()
    else:
        present = 0  # where all counters begin
        for engine in pool.engines:
            present = max(present, _present_at(parent, engine))
    if present > node.virtual + node.lifts.get(pool, 0):
        node.lifts[pool] = present - node.virtual


def _present_at(parent: Node, engine: EngineName) -> int:
    if parent.views:
        waiting = [view.least()[0] for pool, view in parent.views.items() if engine in pool.engines]
        if waiting:
            return min(waiting)
    left = parent.last_left.get(engine)
    if left is None:
        return 0
    node, pool = left
    return node.virtual + node.lifts.get(pool, 0)
