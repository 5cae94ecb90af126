"""The share tree: who has received least for its weight. Derivation and bound: order/vtc.md.

Every node has a counter of normalised service. A charge to a leaf is added to the counter of each node
on its path. To pick, walk down from the root, at each node to the child with the least counter among
those that wait for an open pool. A child that begins to wait is lifted to those that wait already, so
idling banks nothing; it is never lowered, so a debt stays.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from evenhand.model import EngineName, TenantPath
from evenhand.scheduling.counter_heap import CounterHeap
from evenhand.scheduling.node import VIRTUAL_PER_UNIT, Left, Node
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
        self.lifts = lifts
        self.version = 0
        """How often its shape or a weight has changed."""
        self.index_end = 0
        """All nodes have smaller indexes."""
        self._leaves: dict[TenantPath, Node] = {}
        self.root = self._node((), TenantShare(name="", children=tuple(tenants)), None)

    def _node(self, path: TenantPath, share: TenantShare, parent: Node | None) -> Node:
        node = Node(path, weight=share.weight, index=self.index_end, parent=parent)
        self.index_end += 1
        if share.children or parent is None:
            node.begin_holding()
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

    def has_leaf(self, path: TenantPath) -> bool:
        """Whether requests can belong there. O(1)."""
        return path in self._leaves

    def find(self, path: TenantPath) -> Node | None:
        """The node of that path, leaf or not; the root's is empty."""
        node: Node | None = self.root
        for name in path:
            node = node.children.get(name) if node is not None else None
        return node

    @property
    def leaves(self) -> Collection[Node]:
        """All of them. Only to be read, at once."""
        return self._leaves.values()

    def nodes(self) -> Iterator[Node]:
        """All nodes, the root first, parents before children."""
        stack = [self.root]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children.values()))

    def occupy(self, leaf: Node, requests: int, units: int) -> None:
        """So many more requests run beneath a leaf and all above it (-1: one less), and so many units
        are charged there; less than 0: refunded. O(depth)."""
        for node in leaf.lineage:
            node.running_requests += requests
            node.virtual += units * node.ticks_per_unit
        if units < 0:
            assert leaf.virtual >= leaf.virtual_base, "refunded more than was charged"
            if self.root.views:
                _note_refund(leaf)

    def burden(self, leaf: Node, units: int) -> None:
        """So much more counts against a leaf and all above it, which was not served here."""
        for node in leaf.lineage:
            ticks = units * node.ticks_per_unit
            node.virtual += ticks
            node.virtual_base += ticks

    def join(self, leaf: Node, pool: Pool) -> None:
        """The leaf has begun to wait for a pool. Lifts every node on the path that did not."""
        node = leaf
        while node.parent is not None:
            parent = node.parent
            if self.lifts:
                _lift(node, pool)
            if not node.waiting_pools:
                parent.waiting_children[node] = None
                parent.waiting_weight += node.weight
            node.waiting_pools = (*node.waiting_pools, pool)
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
            _note_left(parent, node, pool)
            node.waiting_pools = tuple(other for other in node.waiting_pools if other is not pool)
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
            if self.lifts:
                _lift(node, pool)
            _note_left(parent, node, pool)

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

    # The tree itself changes. Nothing may wait beneath what is moved or taken out.

    def weigh(self, node: Node, weight: int, running_units: int) -> None:
        """Give a node another weight. What its running requests are charged, `running_units`, counts
        as if charged at the new one, so that refunds cancel exactly; all other service keeps its
        worth."""
        units, before = node.service_units, node.virtual
        if node.waiting_pools and node.parent is not None:
            node.parent.waiting_weight += weight - node.weight
        ticks = VIRTUAL_PER_UNIT // weight
        node.virtual += running_units * (ticks - node.ticks_per_unit)
        node.weight, node.ticks_per_unit = weight, ticks
        node.virtual_base = node.virtual - units * ticks
        if node.virtual < before and node.parent is not None:
            _note_shrunk(node, node.parent)
        self.version += 1

    def add(self, parent: Node, share: TenantShare) -> None:
        """A new node, which will begin level with those that wait when it begins to wait itself."""
        self._hold(parent)
        parent.children[share.name] = self._node((*parent.path, share.name), share, parent)
        self.version += 1

    def _hold(self, parent: Node) -> None:
        """It is going to have children, if it has none yet."""
        self._leaves.pop(parent.path, None)
        parent.begin_holding()

    def take_out(self, node: Node) -> None:
        """The node and all beneath it are gone. Nothing runs there either."""
        self._cut(node)
        for gone in subtree(node):
            self._leaves.pop(gone.path, None)
        self.version += 1

    def move(self, node: Node, to: Node) -> None:
        """Put a node beneath another parent. What it is ahead of its siblings that wait, it is ahead of
        its new ones; who is behind them starts level: moving neither pays a debt nor banks credit."""
        assert node.parent is not None
        ahead = max(0, node.highest_counter - _least_waiting(node.parent, node.highest_counter))
        self._cut(node)
        for below in subtree(node):
            self._leaves.pop(below.path, None)
        self._hold(to)
        to.children[node.path[-1]] = node
        moved, node.parent = node.path, to
        for below in subtree(node):
            below.path = (*to.path, *below.path[len(moved) - 1 :])
            assert below.parent is not None
            below.lineage = (below, *below.parent.lineage)
            if not below.children:
                self._leaves[below.path] = below
        units = node.service_units
        node.lifts.clear()
        node.virtual = _least_waiting(to, _highest_left(to)) + ahead
        node.virtual_base = node.virtual - units * node.ticks_per_unit
        self.version += 1

    def _cut(self, node: Node) -> None:
        parent = node.parent
        assert parent is not None
        assert not node.waiting_pools
        assert not node.running_requests
        del parent.children[node.path[-1]]
        for left in parent.last_left.values():
            if left.node is node:
                left.node = _monument(node, left.pool)
        if not parent.children and parent.parent is not None:
            self._leaves[parent.path] = parent

    def forget_lifts(self, node: Node) -> None:
        """Forget the lifts of a node that does not wait, where it would be lifted as high again; not
        where it left last, and its own lift is why."""
        if node.parent is None or not node.lifts:
            return
        last_left = node.parent.last_left.values()
        for pool, lift in list(node.lifts.items()):
            if _present(node.parent, pool) < node.virtual + lift:
                continue
            if not any(left.node is node and left.pool is pool for left in last_left):
                del node.lifts[pool]

    def _highest(self, height: Callable[[Node], int]) -> Node | None:
        node = self.root
        if not node.waiting_children:
            return None
        while node.children:
            node = max(node.waiting_children, key=lambda child: (height(child), child.index))
        return node


def _least_served_child(node: Node, pools: Iterable[Pool]) -> Node:
    """THE line that picks the next tenant: the least normalised service goes next."""
    if len(node.views) == 1:
        (view,) = node.views.values()
        return view.least()[1]
    views = [node.views[pool] for pool in pools if pool in node.views]
    return min((view.least() for view in views), key=lambda found: (found[0], found[1].index))[1]


def _note_refund(leaf: Node) -> None:
    """Counters shrank, from the leaf to the root: tell whoever keeps them in order."""
    for node in leaf.lineage:
        if node.parent is not None:
            _note_shrunk(node, node.parent)


def _note_shrunk(node: Node, parent: Node) -> None:
    for view in parent.views.values():
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
    present = _present(parent, pool)
    if present > node.virtual + node.lifts.get(pool, 0):
        node.lifts[pool] = present - node.virtual


def _present(parent: Node, pool: Pool) -> int:
    view = parent.views.get(pool)
    if view is not None:
        return view.least()[0]
    latest = parent.left_latest
    if latest is not None and latest.pool is pool and not parent.views:
        return latest.counter  # it left all its engines last
    present = 0  # where all counters begin
    for engine in pool.engines:
        present = max(present, _present_at(parent, engine))
    return present


def _present_at(parent: Node, engine: EngineName) -> int:
    if parent.views:
        waiting = [view.least()[0] for pool, view in parent.views.items() if engine in pool.engines]
        if waiting:
            return min(waiting)
    left = parent.last_left.get(engine)
    return 0 if left is None else left.counter


def _note_left(parent: Node, node: Node, pool: Pool) -> None:
    """The node is the last that ceased to wait for the pool's engines."""
    latest = parent.left_latest
    if latest is not None and latest.pool is pool:
        latest.node = node
        return
    parent.left_latest = left = Left(node, pool)
    for engine in pool.engines:
        parent.last_left[engine] = left


def subtree(node: Node) -> Iterator[Node]:
    """The node and all beneath it, parents first."""
    yield node
    for child in node.children.values():
        yield from subtree(child)


def _monument(node: Node, pool: Pool) -> Node:
    """Stands where a node stood that left last and is no more: the present does not fall with it."""
    stone = Node(node.path, weight=node.weight, index=node.index, parent=None)
    stone.virtual = node.counter(pool)
    return stone


def _least_waiting(parent: Node, otherwise: int) -> int:
    """The least counter among the children that wait, whatever for."""
    return min((view.least()[0] for view in parent.views.values()), default=otherwise)


def _highest_left(parent: Node) -> int:
    """The highest counter among those that ceased to wait last."""
    return max((left.counter for left in parent.last_left.values()), default=0)


def tenant_paths(tenants: Iterable[TenantShare]) -> Iterator[TenantPath]:
    """All leaves, as paths."""
    for tenant in tenants:
        if tenant.children:
            yield from ((tenant.name, *path) for path in tenant_paths(tenant.children))
        else:
            yield (tenant.name,)
