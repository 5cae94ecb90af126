"""The seam between tenants: whose turn it is.

An order names the tenant; which of its tickets goes is asked of the queue (`queue/protocol.py`). The
share tree keeps the accounts whatever the order, so every preset can be measured by the same figures.
"""

from typing import Protocol

from evenhand.scheduling.node import Node
from evenhand.scheduling.openings import Openings
from evenhand.scheduling.ticket import Ticket


class Order(Protocol):
    """Who is next. The scheduler calls; an order never calls back and changes no account."""

    def queued(self, ticket: Ticket) -> None:
        """The ticket waits; queue, backlog and share tree know it. Once per stay in the queue."""

    def unqueued(self, ticket: Ticket) -> None:
        """The ticket waits no more (picked, cancelled, expired or shed). Once per stay."""

    def next(self, openings: Openings, now_ms: int) -> Ticket:
        """The ticket to start at this moment. May be asked any number of times, and what was named need
        not start: equal questions have equal answers, and no later answer depends on them."""

    def started(self, ticket: Ticket) -> None:
        """The ticket that `next` has named just now starts, and waits still: whoever keeps turns counts
        this one. Only for orders whose part says `hears_starts`."""

    def charged(self, ticket: Ticket, units: int, now_ms: int) -> None:
        """So many units were added to its leaf and all above it (less than 0: refunded). Only for orders
        whose part says `hears_charges`."""

    def charged_elsewhere(self, leaf: Node, units: int, now_ms: int) -> None:
        """So many units were added to the counters of a leaf and all above it, for what another gateway
        has served. As `charged`."""

    def ended(self, ticket: Ticket) -> None:
        """It runs no more, and all that it is charged was told of. Once for each start that was charged:
        one that was preempted has not ended. As `charged`."""

    def forget(self, node: Node) -> None:
        """The node has been taken out of the tree. Nothing waits or runs beneath it."""
