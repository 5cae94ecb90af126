"""Where a request runs, and near which engine it waits: asks the placement where there is a choice.

A home is chosen when a ticket begins to wait, as a dispatcher would bind it. Here it only waits there:
another engine that has a slot may take it, so nothing idles.
"""

from collections.abc import Iterable

from evenhand.scheduling.capacity import Capacity, EngineState
from evenhand.scheduling.placement.protocol import Placement
from evenhand.scheduling.queue.protocol import TicketQueue
from evenhand.scheduling.ticket import Ticket


class Whereabouts:
    """Engines for tickets, and homes for those whose queue keeps them by engine."""

    def __init__(self, capacity: Capacity, placement: Placement, queue: TicketQueue) -> None:
        self._capacity = capacity
        self._placement = placement
        self._queue = queue

    def place(self, ticket: Ticket) -> EngineState:
        """The engine that it goes to, among those of its pool that have a slot: its home if it can."""
        engines = self._capacity.engines
        if len(ticket.pool.engines) == 1:
            return engines[ticket.pool.engines[0]]
        if ticket.home is not None and engines[ticket.home].has_slot:
            return engines[ticket.home]
        candidates = self._capacity.candidates(ticket.pool)
        if len(candidates) == 1:
            return candidates[0]
        return self._placement.choose(ticket, candidates)

    def wait(self, ticket: Ticket) -> None:
        """It begins to wait; the queue does not know it yet. Its home is one of the engines of its pool
        that are up, None if none is."""
        ticket.home = None  # so that the placement sees that it only begins to wait
        engines = self._capacity.up(ticket.pool)
        if not engines:
            return
        chosen = engines[0] if len(engines) == 1 else self._placement.choose(ticket, engines)
        ticket.home = chosen.name
        self._placement.queued(ticket)

    def wait_no_more(self, ticket: Ticket) -> None:
        """Its home stays written: at the pick that engine is asked first."""
        if ticket.home is not None:
            self._placement.unqueued(ticket)

    def home_anew(self, tickets: Iterable[Ticket]) -> None:
        """An engine changed: those of these that wait near one that is down, or near none, look for
        another. O(tickets)."""
        for ticket in tickets:
            if ticket.engine is None and not self._capacity.is_up(ticket.home):
                self._queue.unqueued(ticket)
                self.wait_no_more(ticket)
                self.wait(ticket)
                self._queue.queued(ticket)
