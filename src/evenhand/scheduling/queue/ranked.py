"""Tickets by rank, at leaves and, where an order asks for it, at every node up to the root.

Lazily: who waits no more is dropped when it comes to the top, and all such entries together when they
are more than the living.
"""

from collections.abc import Callable
from heapq import heapify, heappop, heappush

from evenhand.scheduling.node import Node
from evenhand.scheduling.openings import Openings
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.queue.protocol import TicketQueue
from evenhand.scheduling.ticket import Ticket

_DEAD_ENTRIES_MAX = 64

Rank = tuple[int, ...]
"""Less goes first. Ties go to the earlier arrival."""


class _Heap:
    """Of one node and pool."""

    __slots__ = ("entries", "living")

    def __init__(self) -> None:
        self.entries: list[tuple[Rank, int, Ticket]] = []
        self.living = 0


class RankedQueue:
    """Tickets by a rank that is asked once, when the ticket begins to wait."""

    def __init__(self, rank: Callable[[Ticket], Rank], *, asks_above_leaves: bool) -> None:
        self._rank = rank
        self._levels = None if asks_above_leaves else 1
        # Bounded by the nodes beneath which somebody waits.
        self._heaps: dict[tuple[Node, Pool], _Heap] = {}
        self._waiting: dict[Ticket, Rank] = {}

    def queued(self, ticket: Ticket) -> None:
        rank = self._waiting[ticket] = self._rank(ticket)
        entry = (rank, ticket.sequence, ticket)
        for node in ticket.leaf.lineage[: self._levels]:
            heap = self._heaps.get((node, ticket.pool))
            if heap is None:
                heap = self._heaps[node, ticket.pool] = _Heap()
            heap.living += 1
            heappush(heap.entries, entry)

    def unqueued(self, ticket: Ticket) -> None:
        del self._waiting[ticket]
        for node in ticket.leaf.lineage[: self._levels]:
            heap = self._heaps[node, ticket.pool]
            heap.living -= 1
            if not heap.living:
                del self._heaps[node, ticket.pool]
            elif len(heap.entries) > 2 * heap.living + _DEAD_ENTRIES_MAX:
                heap.entries = [e for e in heap.entries if self._lives(e, ticket.pool)]
                heapify(heap.entries)

    def first(self, node: Node, openings: Openings, now_ms: int) -> Ticket:
        del now_ms
        heaps = ((pool, self._heaps.get((node, pool))) for pool in openings.pools)
        heads = (self._head(heap, pool) for pool, heap in heaps if heap is not None)
        return min(heads)[2]

    def _head(self, heap: _Heap, pool: Pool) -> tuple[Rank, int, Ticket]:
        entries = heap.entries
        while not self._lives(entries[0], pool):
            heappop(entries)
        return entries[0]

    def _lives(self, entry: tuple[Rank, int, Ticket], pool: Pool) -> bool:
        # A ticket on its second try waits in another pool, and left entries behind in its first.
        rank, _, ticket = entry
        return self._waiting.get(ticket) == rank and ticket.pool is pool


def by_arrival(ticket: Ticket) -> Rank:
    """First in, first out."""
    return (ticket.sequence,)


_: type[TicketQueue] = RankedQueue
