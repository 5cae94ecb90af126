"""Deficit longest prefix match (DLPM, arXiv 2501.14312): by the queue's rank, among tenants whose
quantum is not used up. Rule, bound and deviations: dlpm.md."""

from collections.abc import Iterator, Sequence
from functools import partial
from heapq import heapify, heappop, heappush, heapreplace

from evenhand.model import EngineName
from evenhand.scheduling.node import Node
from evenhand.scheduling.openings import Openings
from evenhand.scheduling.order.protocol import Order
from evenhand.scheduling.order.round import Round
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.queue.protocol import ComparedQueue, Head, first_head
from evenhand.scheduling.share_tree import ShareTree
from evenhand.scheduling.ticket import Ticket

_DEAD_ENTRIES_MAX = 64

_Entry = tuple[tuple[int, ...], int, Ticket, int, Node]
"""A head, and the child beneath which it is, after its index: a tenant that was moved may have left an
equal head behind beneath another child."""


class _Field:
    """The waiting children of a node for a pool, by the heads of their lists.

    For every child that is not parked and every list there is an entry no later than its head. Lazily:
    what is dead or has moved back is found when it comes to the top.
    """

    def __init__(self, node: Node, pool: Pool, queue: ComparedQueue, quantum: int) -> None:
        self._node = node
        self._pool = pool
        self._queue = queue
        self._lists = (None, *pool.engines)
        self._heaps: dict[EngineName | None, list[_Entry]] = {}
        self.round = Round(pool, quantum)

    def begin_pick(self) -> None:
        least, _ = self._node.views[self._pool].least()
        for child in self.round.begin_pick(least):
            self.enter(child)

    def enter(self, child: Node) -> None:
        """It is parked no more."""
        for which in self._lists:
            self._push(child, which, self._queue.head(child, self._pool, which))

    def improved(self, child: Node, ticket: Ticket) -> None:
        """A ticket beneath the child has moved forward."""
        if self.round.is_parked(child):
            return
        for which in self._queue.lists_of(ticket):
            head = self._queue.head(child, self._pool, which)
            if head is not None and head[2] is ticket:
                self._push(child, which, head)

    def head(self, which: EngineName | None) -> Head | None:
        """The first ticket of that list beneath children that may go."""
        heap = self._heaps.get(which, [])
        while heap:
            rank, sequence, ticket, _, child = heap[0]
            head = self._head_of(child, which)
            if head == (rank, sequence, ticket):
                return head
            if head is None or head < (rank, sequence, ticket):  # then it has an entry of its own
                heappop(heap)
            else:
                heapreplace(heap, (*head, child.index, child))
        return None

    def _head_of(self, child: Node, which: EngineName | None) -> Head | None:
        if child not in self._node.views[self._pool] or not self.round.may_go(child):
            return None
        return self._queue.head(child, self._pool, which)

    def _push(self, child: Node, which: EngineName | None, head: Head | None) -> None:
        if head is None:
            return
        heap = self._heaps.setdefault(which, [])
        heappush(heap, (*head, child.index, child))
        view = self._node.views[self._pool]
        if len(heap) > 2 * len(view) + _DEAD_ENTRIES_MAX:
            children = dict.fromkeys(entry[4] for entry in heap)
            living = [c for c in children if c in view and not self.round.is_parked(c)]
            heads = [(self._queue.head(c, self._pool, which), c) for c in living]
            heap[:] = [(*head, c.index, c) for head, c in heads if head is not None]
            heapify(heap)


class Quantum:
    """At each node, among the children that may go in this round, the one with the first ticket."""

    def __init__(self, tree: ShareTree, queue: ComparedQueue, *, quantum_ticks: int) -> None:
        self._tree = tree
        self._version = tree.version
        self._queue = queue
        self._quantum_ticks = quantum_ticks
        # Bounded by the nodes beneath which somebody waits, times the pools.
        self._fields: dict[tuple[Node, Pool], _Field] = {}
        self._looked_at: list[_Field] = []
        """At the last pick, whatever came of it."""
        queue.watch(self._improved)

    def queued(self, ticket: Ticket) -> None:
        """The queue has told (`watch`)."""

    def unqueued(self, ticket: Ticket) -> None:
        pool = ticket.pool
        for child, parent in _steps(ticket.leaf):
            view = parent.views.get(pool)
            if view is None:
                del self._fields[parent, pool]
            elif child not in view:
                self._fields[parent, pool].round.left(child)

    def next(self, openings: Openings, now_ms: int) -> Ticket:
        if self._version != self._tree.version:
            self._look_again()
        stages = self._queue.stages(openings, now_ms)
        node, pools = self._tree.root, openings.pools
        self._looked_at.clear()
        while node.children:
            fields = [self._fields[node, pool] for pool in pools if pool in node.views]
            for field in fields:
                field.begin_pick()
            self._looked_at += fields
            _, _, ticket = first_head(stages, partial(_heads, fields))
            pools = (ticket.pool,)
            node = ticket.leaf.lineage[len(ticket.leaf.path) - len(node.path) - 1]
        return self._queue.first(node, Openings(pools, openings.engines), now_ms)

    def started(self, ticket: Ticket) -> None:
        del ticket
        for field in self._looked_at:
            field.round.started()

    def charged(self, ticket: Ticket, units: int, now_ms: int) -> None:
        del now_ms
        if units >= 0:
            return
        for child, parent in _steps(ticket.leaf):
            for pool in child.waiting_pools:
                field = self._fields[parent, pool]
                if field.round.refunded(child):
                    field.enter(child)

    def charged_elsewhere(self, leaf: Node, units: int, now_ms: int) -> None:
        """Who has come above the level is found when somebody asks."""

    def ended(self, ticket: Ticket) -> None:
        """The share tree knows."""

    def forget(self, node: Node) -> None:
        """Where nothing waits nothing is kept."""

    def _look_again(self) -> None:
        """The tree or a weight changed, and with it any counter."""
        self._version = self._tree.version
        for field in self._fields.values():
            for child in field.round.look_again():
                field.enter(child)

    def _improved(self, ticket: Ticket) -> None:
        pool = ticket.pool
        for child, parent in _steps(ticket.leaf):
            field = self._fields.get((parent, pool))
            if field is None:
                field = _Field(parent, pool, self._queue, self._quantum_ticks)
                self._fields[parent, pool] = field
            field.improved(child, ticket)


def _heads(fields: Sequence[_Field], which: EngineName | None) -> Iterator[Head | None]:
    return (field.head(which) for field in fields)


def _steps(leaf: Node) -> Iterator[tuple[Node, Node]]:
    """Each node from the leaf up, with its parent."""
    return ((node, node.parent) for node in leaf.lineage if node.parent is not None)


_: type[Order] = Quantum
