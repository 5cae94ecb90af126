"""Tickets by rank, at leaves and, where an order asks for it, at every node up to the root.

Lazily: who waits no more is dropped when it comes to the top, and all such entries together when they
are more than the living.
"""

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush

from evenhand.model import EngineName
from evenhand.scheduling.node import Node
from evenhand.scheduling.openings import Openings
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.queue.protocol import ComparedQueue, Head, Rank, Stage
from evenhand.scheduling.ticket import Ticket

_DEAD_ENTRIES_MAX = 64

_ONE_LIST = (None,)
_ONE_STAGE = (Stage(_ONE_LIST),)


class _Heap:
    """Of one node and pool."""

    __slots__ = ("entries", "living")

    def __init__(self) -> None:
        self.entries: list[Head] = []
        self.living = 0


class RankedQueue:
    """Tickets by a rank that is asked once, when the ticket begins to wait."""

    def __init__(self, rank: Callable[[Ticket], Rank], *, asks_above_leaves: bool) -> None:
        self._rank = rank
        self._levels = None if asks_above_leaves else 1
        # Bounded by the nodes beneath which somebody waits.
        self._heaps: dict[tuple[Node, Pool], _Heap] = {}
        self._waiting: dict[Ticket, Rank] = {}
        self._improved: Callable[[Ticket], None] | None = None

    def queued(self, ticket: Ticket) -> None:
        rank = self._waiting[ticket] = self._rank(ticket)
        entry = (rank, ticket.sequence, ticket)
        for node in ticket.leaf.lineage[: self._levels]:
            heap = self._heaps.get((node, ticket.pool))
            if heap is None:
                heap = self._heaps[node, ticket.pool] = _Heap()
            heap.living += 1
            heappush(heap.entries, entry)
        if self._improved is not None:
            self._improved(ticket)

    def unqueued(self, ticket: Ticket) -> None:
        del self._waiting[ticket]
        for node in ticket.leaf.lineage[: self._levels]:
            heap = self._heaps[node, ticket.pool]
            heap.living -= 1
            if not heap.living:
                del self._heaps[node, ticket.pool]
            elif len(heap.entries) > 2 * heap.living + _DEAD_ENTRIES_MAX:
                entries = dict.fromkeys(heap.entries)  # a rank may have been left and taken again
                heap.entries = [e for e in entries if self._lives(e, node, ticket.pool)]
                heapify(heap.entries)

    def first(self, node: Node, openings: Openings, now_ms: int) -> Ticket:
        del now_ms
        heads = (self.head(node, pool, None) for pool in openings.pools)
        return min(head for head in heads if head is not None)[2]

    def head(self, node: Node, pool: Pool, which: EngineName | None) -> Head | None:
        del which  # there is one list
        heap = self._heaps.get((node, pool))
        if heap is None:
            return None
        entries = heap.entries
        while not self._lives(entries[0], node, pool):
            heappop(entries)
        return entries[0]

    def lists_of(self, ticket: Ticket) -> Sequence[EngineName | None]:
        del ticket
        return _ONE_LIST

    def stages(self, openings: Openings, now_ms: int) -> Sequence[Stage]:
        del openings, now_ms
        return _ONE_STAGE

    def watch(self, improved: Callable[[Ticket], None]) -> None:
        self._improved = improved

    def _lives(self, entry: Head, node: Node, pool: Pool) -> bool:
        # A ticket on its second try waits in another pool, one whose tenant was moved beneath other
        # nodes; and they left entries behind where they were.
        rank, _, ticket = entry
        if self._waiting.get(ticket) != rank or ticket.pool is not pool:
            return False
        return node in ticket.leaf.lineage


def by_arrival(ticket: Ticket) -> Rank:
    """First in, first out."""
    return (ticket.sequence,)


_: type[ComparedQueue] = RankedQueue
