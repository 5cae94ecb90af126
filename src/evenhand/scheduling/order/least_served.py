"""Virtual token counter (arXiv 2401.00588) over a share tree. Rule, bound and deviations: vtc.md."""

from evenhand.scheduling.node import Node
from evenhand.scheduling.openings import Openings
from evenhand.scheduling.order.protocol import Order
from evenhand.scheduling.queue.protocol import TicketQueue
from evenhand.scheduling.share_tree import ShareTree
from evenhand.scheduling.ticket import Ticket


class LeastServed:
    """At each node the child with the least counter goes next, down to a leaf."""

    def __init__(self, tree: ShareTree, queue: TicketQueue) -> None:
        self._tree = tree
        self._queue = queue

    def queued(self, ticket: Ticket) -> None:
        """Nothing to do: the share tree knows who waits."""

    def unqueued(self, ticket: Ticket) -> None:
        """Nothing to do."""

    def next(self, openings: Openings, now_ms: int) -> Ticket:
        return self._queue.first(self._tree.least_served_leaf(openings.pools), openings, now_ms)

    def started(self, ticket: Ticket) -> None:
        """Not asked for."""

    def charged(self, ticket: Ticket, units: int, now_ms: int) -> None:
        """Not asked for."""

    def charged_elsewhere(self, leaf: Node, units: int, now_ms: int) -> None:
        """Not asked for."""

    def ended(self, ticket: Ticket) -> None:
        """Not asked for."""

    def forget(self, node: Node) -> None:
        """Nothing is kept."""


_: type[Order] = LeastServed
