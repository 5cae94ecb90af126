"""The seam within a tenant: which of its tickets goes first."""

from typing import Protocol

from evenhand.scheduling.node import Node
from evenhand.scheduling.openings import Openings
from evenhand.scheduling.ticket import Ticket


class TicketQueue(Protocol):
    """Tickets in order. Some orders between tenants also ask for the first beneath an inner node, up to
    the root; their part says so (`asks_above_leaves`)."""

    def queued(self, ticket: Ticket) -> None:
        """The ticket waits; the backlog knows it. Once per stay in the queue."""

    def unqueued(self, ticket: Ticket) -> None:
        """The ticket waits no more. Once per stay."""

    def first(self, node: Node, openings: Openings, now_ms: int) -> Ticket:
        """The ticket beneath the node that goes first, among those for the open pools. There is one."""
