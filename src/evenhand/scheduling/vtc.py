"""Virtual token counter (arXiv 2401.00588) over a share tree. Rule, bound and deviations: vtc.md."""

from evenhand.scheduling.backlog import Backlog
from evenhand.scheduling.order import Order
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.share_tree import ShareTree
from evenhand.scheduling.ticket import Ticket


class VirtualTokenCounter:
    """The tenant with the least normalised service goes next; its own requests in arrival order."""

    def __init__(self, tree: ShareTree, backlog: Backlog) -> None:
        self._tree = tree
        self._backlog = backlog

    def queued(self, ticket: Ticket) -> None:
        """Nothing to do: the share tree knows who waits."""

    def unqueued(self, ticket: Ticket) -> None:
        """Nothing to do."""

    def next(self, open_pools: set[Pool]) -> Ticket:
        return self._backlog.oldest(self._tree.least_served_leaf(open_pools), open_pools)


_: type[Order] = VirtualTokenCounter
