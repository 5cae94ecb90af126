"""Where a request runs, and near which engine it waits: asks the placement where there is a choice."""

from collections.abc import Iterable

from evenhand.model import EngineName
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

    def home(self, ticket: Ticket) -> EngineName | None:
        """The engine near which it waits, of those of its pool that are up; None if none is."""
        engines = self._capacity.up(ticket.pool)
        ticket.home = None  # so that the placement sees that it only begins to wait
        if len(engines) > 1:
            return self._placement.choose(ticket, engines).name
        return engines[0].name if engines else None

    def home_anew(self, tickets: Iterable[Ticket]) -> None:
        """An engine changed: those of these that wait near one that is down, or near none, look for
        another. O(tickets)."""
        for ticket in tickets:
            if ticket.engine is None and not self._capacity.is_up(ticket.home):
                self._queue.unqueued(ticket)
                ticket.home = self.home(ticket)
                self._queue.queued(ticket)
