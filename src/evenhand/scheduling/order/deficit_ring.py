"""Deficit round robin over a share tree, as adapted for LLMs. Rule, bound and deviations: drr.md."""

from bisect import bisect_left, insort

from evenhand.scheduling.node import Node
from evenhand.scheduling.openings import Openings
from evenhand.scheduling.order.protocol import Order
from evenhand.scheduling.order.round import Round
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.queue.protocol import TicketQueue
from evenhand.scheduling.share_tree import ShareTree
from evenhand.scheduling.ticket import Ticket


class _Ring:
    """The waiting children of a node for a pool that may go, as far as is known, by their index."""

    def __init__(self, node: Node, pool: Pool, quantum: int) -> None:
        self._node = node
        self._pool = pool
        self._at = 0
        """Whose turn it is: the index of the child that was served last."""
        self._places: list[int] = []
        self._children: dict[int, Node] = {}
        self.round = Round(pool, quantum)

    def enter(self, child: Node) -> None:
        """It began to wait, or is parked no more."""
        if child.index not in self._children:
            insort(self._places, child.index)
            self._children[child.index] = child

    def leave(self, child: Node) -> None:
        """It waits no more."""
        self.round.left(child)
        if child.index in self._children:
            self._drop(bisect_left(self._places, child.index))

    def next(self) -> Node:
        """The first from the place of the last that may go."""
        least, _ = self._node.views[self._pool].least()
        for child in self.round.begin_pick(least):
            self.enter(child)
        while True:
            place = bisect_left(self._places, self._at)
            if place == len(self._places):
                place = 0
            child = self._children[self._places[place]]
            if self.round.may_go(child):
                return child
            self._drop(place)

    def serve(self, child: Node) -> None:
        """Its turn lasts until its quantum is used up."""
        self._at = child.index

    def _drop(self, place: int) -> None:
        del self._children[self._places.pop(place)]


class DeficitRing:
    """At each node the child whose turn it is goes, until its quantum is used up."""

    def __init__(self, tree: ShareTree, queue: TicketQueue, *, quantum_ticks: int) -> None:
        self._tree = tree
        self._version = tree.version
        self._queue = queue
        self._quantum_ticks = quantum_ticks
        # Bounded by the nodes beneath which somebody waits, times the pools.
        self._rings: dict[tuple[Node, Pool], _Ring] = {}
        # At the last pick, whatever came of it: all rings that were asked, and whom one of them served.
        self._asked: list[_Ring] = []
        self._turns: list[tuple[_Ring, Node]] = []

    def queued(self, ticket: Ticket) -> None:
        for child in ticket.leaf.lineage[:-1]:
            parent, pool = child.parent, ticket.pool
            assert parent is not None
            ring = self._rings.get((parent, pool))
            if ring is None:
                ring = self._rings[parent, pool] = _Ring(parent, pool, self._quantum_ticks)
            if not ring.round.is_parked(child):
                ring.enter(child)

    def unqueued(self, ticket: Ticket) -> None:
        for child in ticket.leaf.lineage[:-1]:
            parent, pool = child.parent, ticket.pool
            assert parent is not None
            view = parent.views.get(pool)
            if view is None:
                del self._rings[parent, pool]
            elif child not in view:
                self._rings[parent, pool].leave(child)

    def next(self, openings: Openings, now_ms: int) -> Ticket:
        if self._version != self._tree.version:
            self._look_again()
        node, pools = self._tree.root, openings.pools
        self._asked.clear()
        self._turns.clear()
        while node.children:
            # With several pools that whose turn has received least: none of them starves.
            turns = []
            for pool in pools:
                if pool in node.views:
                    ring = self._rings[node, pool]
                    child = ring.next()
                    self._asked.append(ring)
                    turns.append(
                        (child.counter(pool), child.index, pool.engines, ring, child, pool)
                    )
            _, _, _, ring, node, pool = min(turns, key=lambda turn: turn[:3])
            self._turns.append((ring, node))
            pools = (pool,)
        return self._queue.first(node, Openings(pools, openings.engines), now_ms)

    def started(self, ticket: Ticket) -> None:
        del ticket
        for ring in self._asked:
            ring.round.started()
        for ring, child in self._turns:
            ring.serve(child)

    def charged(self, ticket: Ticket, units: int, now_ms: int) -> None:
        del now_ms
        if units >= 0:
            return
        for child in ticket.leaf.lineage[:-1]:
            for pool in child.waiting_pools:
                assert child.parent is not None
                ring = self._rings[child.parent, pool]
                if ring.round.refunded(child):
                    ring.enter(child)

    def charged_elsewhere(self, leaf: Node, units: int, now_ms: int) -> None:
        """Who has come above the level is found when somebody asks."""

    def ended(self, ticket: Ticket) -> None:
        """The share tree knows."""

    def forget(self, node: Node) -> None:
        """Where nothing waits nothing is kept."""

    def _look_again(self) -> None:
        """The tree or a weight changed, and with it any counter."""
        self._version = self._tree.version
        for ring in self._rings.values():
            for child in ring.round.look_again():
                ring.enter(child)


_: type[Order] = DeficitRing
