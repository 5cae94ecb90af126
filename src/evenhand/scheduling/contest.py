"""Where a request competes: for which engines, in which lane, and not at all while its tenant is held
back."""

from collections.abc import Callable, Iterable

from evenhand.model import Request
from evenhand.scheduling.capacity import Capacity
from evenhand.scheduling.lanes.lanes import Lanes
from evenhand.scheduling.node import Node
from evenhand.scheduling.picking import Picking
from evenhand.scheduling.pool import ONE_LANE, Pool
from evenhand.scheduling.ticket import Ticket


class Contest:
    """Pools of requests. `open_tickets` are all that wait or run."""

    def __init__(
        self,
        capacity: Capacity,
        lanes: Lanes | None,
        picking: Picking,
        open_tickets: Callable[[], Iterable[Ticket]],
    ) -> None:
        self._capacity = capacity
        self._lanes = lanes
        self._picking = picking
        self._open_tickets = open_tickets

    def pool(self, request: Request) -> Pool:
        """Where it competes, unless its tenant is held back."""
        lane = ONE_LANE if self._lanes is None else self._lanes.lane(request.lane).name
        pool = self._capacity.pool(request.model, lane)
        return self._capacity.within(pool, request.engines) if request.engines else pool

    def pool_now(self, request: Request, leaf: Node) -> Pool:
        """Where it competes at this moment: for no engine, if its tenant is held back."""
        pool = self.pool(request)
        return self._capacity.closed(pool) if leaf.is_held_back else pool

    def pool_again(self, ticket: Ticket) -> Pool:
        """Where a ticket competes at this moment, without the engine that failed on it."""
        pool = self.pool_now(ticket.request, ticket.leaf)
        return self._capacity.without(pool, ticket.failed_engine)

    def hold(self, leaf: Node, *, is_held_back: bool) -> None:
        """Take what waits at a leaf out of the contest, or back into it. O(open requests)."""
        if leaf.is_held_back == is_held_back:
            return
        leaf.is_held_back = is_held_back
        if leaf.queued_requests:
            self._anew(ticket for ticket in self._open_tickets() if ticket.leaf is leaf)

    def engines_changed(self) -> None:
        """Other engines serve some model: whoever waits competes for those, at its place by arrival."""
        self._anew(self._open_tickets())

    def _anew(self, tickets: Iterable[Ticket]) -> None:
        self._picking.pools_anew(tickets, self.pool_again)
