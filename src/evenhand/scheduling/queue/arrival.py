"""First in, first out within a tenant, as the backlog keeps it anyway."""

from evenhand.scheduling.backlog import Backlog
from evenhand.scheduling.node import Node
from evenhand.scheduling.openings import Openings
from evenhand.scheduling.queue.protocol import TicketQueue
from evenhand.scheduling.ticket import Ticket


class ArrivalQueue:
    """By arrival, O(1). Only for leaves: an order that asks above them needs a `RankedQueue`."""

    def __init__(self, backlog: Backlog) -> None:
        self._backlog = backlog

    def queued(self, ticket: Ticket) -> None:
        """Nothing to do: the backlog knows."""

    def unqueued(self, ticket: Ticket) -> None:
        """Nothing to do."""

    def first(self, node: Node, openings: Openings, now_ms: int) -> Ticket:
        del now_ms
        return self._backlog.oldest(node, openings.pools)


_: type[TicketQueue] = ArrivalQueue
