"""Round robin: at each node the child that had its turn longest ago goes next, whatever a turn costs.

What llm-d's flow control calls round robin, at every node of the tree. Weights do not count. No bound in
work: a tenant whose requests are a hundred times as long gets a hundred times as much.
"""

from evenhand.scheduling.node import Node
from evenhand.scheduling.openings import Openings
from evenhand.scheduling.order.own_counters import OwnCounters
from evenhand.scheduling.order.protocol import Order
from evenhand.scheduling.queue.protocol import TicketQueue
from evenhand.scheduling.share_tree import ShareTree
from evenhand.scheduling.ticket import Ticket


class ByTurns:
    """The counter of a node is the number of the turn that it had last."""

    def __init__(self, tree: ShareTree, queue: TicketQueue) -> None:
        self._turns = OwnCounters(tree.root)
        self._queue = queue
        self._turn = 0

    def queued(self, ticket: Ticket) -> None:
        self._turns.queued(ticket)

    def unqueued(self, ticket: Ticket) -> None:
        self._turns.unqueued(ticket)

    def next(self, openings: Openings, now_ms: int) -> Ticket:
        return self._queue.first(self._turns.least_leaf(openings.pools), openings, now_ms)

    def started(self, ticket: Ticket) -> None:
        self._turn += 1
        for node in ticket.leaf.lineage:
            self._turns.counter(node).virtual = self._turn

    def charged(self, ticket: Ticket, units: int, now_ms: int) -> None:
        """Not asked for."""

    def charged_elsewhere(self, leaf: Node, units: int, now_ms: int) -> None:
        """Not asked for."""

    def ended(self, ticket: Ticket) -> None:
        """Not asked for."""

    def forget(self, node: Node) -> None:
        self._turns.forget(node)


_: type[Order] = ByTurns
