"""No order between tenants: whoever's ticket is first in the one queue of all.

With arrival order within: first come, first served, what engines do and the control of every comparison.
With the longest prefix first within: LPM. No bound: whoever sends most is served most.
"""

from evenhand.scheduling.node import Node
from evenhand.scheduling.openings import Openings
from evenhand.scheduling.order.protocol import Order
from evenhand.scheduling.queue.protocol import TicketQueue
from evenhand.scheduling.share_tree import ShareTree
from evenhand.scheduling.ticket import Ticket


class Anyone:
    """Asks the queue at the root, as if all tenants were one."""

    def __init__(self, tree: ShareTree, queue: TicketQueue) -> None:
        self._root = tree.root
        self._queue = queue

    def queued(self, ticket: Ticket) -> None:
        """Nothing to do: the queue knows."""

    def unqueued(self, ticket: Ticket) -> None:
        """Nothing to do."""

    def next(self, openings: Openings, now_ms: int) -> Ticket:
        return self._queue.first(self._root, openings, now_ms)

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


_: type[Order] = Anyone
