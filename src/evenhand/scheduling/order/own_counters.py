"""Counters of an order's own, beside those of the share tree: at each node the least one goes next.

For orders that count something else than service: turns, or service that fades. They work at every node
of the tree, in the same lazily re-keyed heaps.
"""

from collections.abc import Collection

from evenhand.scheduling.counter_heap import CounterHeap
from evenhand.scheduling.node import Node
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.ticket import Ticket


class OwnCounter:
    """Of one node. Whoever makes it smaller tells `OwnCounters.shrunk` at once."""

    __slots__ = ("index", "node", "virtual")

    def __init__(self, node: Node) -> None:
        self.node = node
        self.index = node.index
        self.virtual = 0


class OwnCounters:
    """Who waits where, by their own counters. Bounded by the nodes of the tree."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self.of: dict[Node, OwnCounter] = {}
        self._heaps: dict[tuple[Node, Pool], CounterHeap[OwnCounter]] = {}
        self._waiting: dict[tuple[Node, Pool], int] = {}

    def counter(self, node: Node) -> OwnCounter:
        """Its counter, which begins at 0."""
        counter = self.of.get(node)
        if counter is None:
            counter = self.of[node] = OwnCounter(node)
        return counter

    def queued(self, ticket: Ticket) -> None:
        """As of an order."""
        for node in ticket.leaf.lineage:
            parent, key = node.parent, (node, ticket.pool)
            if parent is None:
                return
            tickets = self._waiting[key] = self._waiting.get(key, 0) + 1
            if tickets == 1:
                heap = self._heaps.setdefault((parent, ticket.pool), CounterHeap())
                heap.add(self.counter(node), 0)

    def unqueued(self, ticket: Ticket) -> None:
        """As of an order."""
        for node in ticket.leaf.lineage:
            parent, key = node.parent, (node, ticket.pool)
            if parent is None:
                return
            self._waiting[key] -= 1
            if self._waiting[key]:
                continue
            del self._waiting[key]
            heap = self._heaps[parent, ticket.pool]
            heap.remove(self.of[node])
            if not len(heap):
                del self._heaps[parent, ticket.pool]

    def least_leaf(self, pools: Collection[Pool]) -> Node:
        """Down from the root, at each node to the child with the least counter among those that wait for
        one of the pools."""
        node = self._root
        while node.children:
            heaps = (self._heaps.get((node, pool)) for pool in pools)
            found = (heap.least() for heap in heaps if heap is not None)
            node = min(found, key=lambda least: (least[0], least[1].index))[1].node
        return node

    def shrunk(self, node: Node) -> None:
        """Its counter became smaller."""
        if node.parent is None:
            return
        counter = self.of[node]
        for pool in node.waiting_pools:
            heap = self._heaps.get((node.parent, pool))
            if heap is not None and counter in heap:
                heap.shrunk(counter)

    def halved(self, times: int) -> None:
        """All counters were divided by 2 so often; the order among them is the same."""
        for counter in self.of.values():
            counter.virtual >>= times
        for heap in self._heaps.values():
            heap.rekey()

    def forget(self, node: Node) -> None:
        """As of an order."""
        self.of.pop(node, None)
