"""Homes: the engines near which tickets wait, for queues that keep tickets by engine.

The placement chooses a home when a ticket begins to wait, as a dispatcher would bind it. Here it only
waits there: another engine that has a slot may take it, so nothing idles.
"""

from collections.abc import Iterable

from evenhand.model import EngineName
from evenhand.scheduling.capacity import Capacity
from evenhand.scheduling.placement.protocol import Placement
from evenhand.scheduling.queue.protocol import TicketQueue
from evenhand.scheduling.ticket import Ticket


class Homes:
    """Gives and takes `ticket.home`, and tells the placement who waits near which engine."""

    def __init__(self, capacity: Capacity, placement: Placement, queue: TicketQueue) -> None:
        self._capacity = capacity
        self._placement = placement
        self._queue = queue

    def give(self, ticket: Ticket) -> None:
        """It begins to wait; the queue does not know it yet."""
        ticket.home = None  # so that the placement sees that it only begins to wait
        ticket.home = self._chosen(ticket)
        if ticket.home is not None:
            self._placement.queued(ticket)

    def take(self, ticket: Ticket) -> None:
        """It waits no more. Its home stays written: the engine is asked first at the pick."""
        if ticket.home is not None:
            self._placement.unqueued(ticket)

    def anew(self, tickets: Iterable[Ticket]) -> None:
        """An engine changed: those that wait near one that is down, or near none, look for another."""
        for ticket in tickets:
            if ticket.engine is None and not self._capacity.is_up(ticket.home):
                self._queue.unqueued(ticket)
                self.take(ticket)
                self.give(ticket)
                self._queue.queued(ticket)

    def _chosen(self, ticket: Ticket) -> EngineName | None:
        engines = self._capacity.up(ticket.pool)
        if len(engines) > 1:
            return self._placement.choose(ticket, engines).name
        return engines[0].name if engines else None
