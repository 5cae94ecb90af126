"""The seam between tenants: which waiting ticket is next.

An order is told of every ticket that starts or stops waiting, and names the next one for the pools
that are open. The share tree keeps the accounts whatever the order, so every preset can be measured
by the same figures.
"""

from typing import Protocol

from evenhand.scheduling.pool import Pool
from evenhand.scheduling.ticket import Ticket


class Order(Protocol):
    """Who is next. `queued` and `unqueued` are called exactly once each per stay in the queue."""

    def queued(self, ticket: Ticket) -> None:
        """The ticket waits; the backlog and the share tree know it already."""

    def unqueued(self, ticket: Ticket) -> None:
        """The ticket waits no more (picked, cancelled, expired or shed)."""

    def next(self, open_pools: set[Pool]) -> Ticket:
        """The ticket to start. Somebody waits for each of the pools, and there is at least one."""
