"""First come, first served, whoever it is: what engines do, and the control of every comparison."""

from heapq import heapify, heappop, heappush

from evenhand.model import RequestId
from evenhand.scheduling.backlog import Backlog
from evenhand.scheduling.order import Order
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.share_tree import ShareTree
from evenhand.scheduling.ticket import Ticket

_DEAD_ENTRIES_MAX = 64


class FirstComeFirstServed:
    """One queue in order of arrival per pool. No bound: whoever sends most is served most."""

    def __init__(self, tree: ShareTree, backlog: Backlog) -> None:
        del tree, backlog  # every order is built alike; this one asks nobody
        self._arrivals: dict[Pool, list[tuple[int, RequestId]]] = {}
        self._waiting: dict[RequestId, Ticket] = {}

    def queued(self, ticket: Ticket) -> None:
        self._waiting[ticket.request.id] = ticket
        arrivals = self._arrivals.setdefault(ticket.pool, [])
        heappush(arrivals, (ticket.sequence, ticket.request.id))

    def unqueued(self, ticket: Ticket) -> None:
        del self._waiting[ticket.request.id]
        arrivals = self._arrivals[ticket.pool]
        if len(arrivals) > 2 * len(self._waiting) + _DEAD_ENTRIES_MAX:
            arrivals[:] = [entry for entry in arrivals if self._waits(entry[1], ticket.pool)]
            heapify(arrivals)
        if not arrivals:
            del self._arrivals[ticket.pool]

    def next(self, open_pools: set[Pool]) -> Ticket:
        return min(map(self._head, open_pools), key=lambda ticket: ticket.sequence)

    def _head(self, pool: Pool) -> Ticket:
        """The first that waits for the pool. There must be one."""
        arrivals = self._arrivals[pool]
        while not self._waits(arrivals[0][1], pool):
            heappop(arrivals)
        return self._waiting[arrivals[0][1]]

    def _waits(self, request_id: RequestId, pool: Pool) -> bool:
        ticket = self._waiting.get(request_id)
        return ticket is not None and ticket.pool == pool


_: type[Order] = FirstComeFirstServed
