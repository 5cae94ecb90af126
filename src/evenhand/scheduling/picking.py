"""Who runs next: those who wait for an open pool, the lanes among these, and the order between tenants.

Every part that has to know who waits is told here, in this order: the backlog, the share tree, where it
waits, the queue within the tenant, the order between tenants, the lanes.
"""

from collections.abc import Callable, Iterable, Sequence

from evenhand.scheduling.lanes.lanes import Lanes
from evenhand.scheduling.openings import Openings
from evenhand.scheduling.order.protocol import Order
from evenhand.scheduling.parts import Ground
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.queue.protocol import TicketQueue
from evenhand.scheduling.ticket import Ticket
from evenhand.scheduling.whereabouts import Whereabouts


class Picking:
    """Told of every stay in the queue. `hears_starts`: the order does. `lanes`: there are some. `where`:
    tickets wait near an engine."""

    def __init__(
        self,
        ground: Ground,
        order: Order,
        queue: TicketQueue,
        *,
        hears_starts: bool,
        lanes: Lanes | None,
        where: Whereabouts | None,
    ) -> None:
        self._tree = ground.tree
        self._backlog = ground.backlog
        self._capacity = ground.capacity
        self._order = order
        self._queue = queue
        self._hears_starts = hears_starts
        self._lanes = lanes
        self._where = where

    def next(self, now_ms: int) -> Ticket | None:
        """The ticket to start at this moment; None: no slot is free that anybody waits for. Changes
        nothing."""
        if not self._backlog.requests:
            return None
        capacity = self._capacity
        pools: Sequence[Pool] = capacity.open_pools(self._tree.root.views)
        if self._lanes is not None and pools:
            pools = self._lanes.beside_kept(pools, capacity)
        if not pools:
            return None
        if self._lanes is not None:
            pools = self._lanes.next(pools, capacity.window, now_ms)
        return self._order.next(Openings(pools, capacity.free), now_ms)

    def is_open(self, pool: Pool) -> bool:
        """Whether who waits for the pool could start, if nobody else waited."""
        if not self._capacity.is_open(pool):
            return False
        return self._lanes is None or bool(self._lanes.beside_kept((pool,), self._capacity))

    def started(self, ticket: Ticket) -> None:
        """The ticket that `next` has named just now starts."""
        if self._hears_starts:
            self._order.started(ticket)
        self.leave(ticket)

    def enter(self, ticket: Ticket) -> None:
        """It begins to wait."""
        self.put_back(ticket)
        if self._lanes is not None:
            self._lanes.queued(ticket)

    def leave(self, ticket: Ticket) -> None:
        """It waits no more."""
        self.take_out(ticket)
        if self._lanes is not None:
            self._lanes.unqueued(ticket)

    def take_out(self, ticket: Ticket) -> None:
        """The share tree is changed beneath a waiting ticket, which is put back at once. Its lane need
        not know."""
        if self._backlog.remove(ticket):
            self._tree.leave(ticket.leaf, ticket.pool)
        self._queue.unqueued(ticket)
        self._order.unqueued(ticket)
        if self._where is not None:
            self._where.wait_no_more(ticket)

    def put_back(self, ticket: Ticket) -> None:
        """What was taken out waits on, at its place by arrival."""
        if self._backlog.push(ticket):
            self._tree.join(ticket.leaf, ticket.pool)
        if self._where is not None:
            self._where.wait(ticket)
        self._queue.queued(ticket)
        self._order.queued(ticket)

    def pools_anew(self, tickets: Iterable[Ticket], pool_of: Callable[[Ticket], Pool]) -> None:
        """Other engines serve some model: who waits competes for those, at its place by arrival."""
        for ticket in sorted(tickets, key=lambda ticket: ticket.sequence):
            pool = pool_of(ticket)
            if ticket.engine is not None or pool is ticket.pool:
                continue
            self.leave(ticket)
            ticket.pool = pool
            self.enter(ticket)
