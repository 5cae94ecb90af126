"""Shortest expected request first, with ageing: an order between tenants in one file.

Whoever's waiting request is expected to cost least goes next. What waits earns `ageing_units_per_s`, so
that a long request is overtaken only by those that come within its cost divided by that rate. Since all
that wait age alike, the order of two of them never changes, and a heap does: the rank of a request is
what it is expected to cost plus what nobody would have earned by the moment at which it came.

It states no bound: who sends short requests is served more. That is the point, and its price.
"""

from evenhand.scheduling import Node, Policy
from evenhand.scheduling.openings import Openings
from evenhand.scheduling.order.protocol import Order
from evenhand.scheduling.parts import OrderPart, Parameter
from evenhand.scheduling.queue.protocol import Rank
from evenhand.scheduling.queue.ranked import RankedQueue
from evenhand.scheduling.share_tree import ShareTree
from evenhand.scheduling.ticket import Ticket


class ShortestFirst:
    """Keeps a queue of its own over all tenants, and asks the queue within tenants nothing."""

    def __init__(self, tree: ShareTree, *, ageing_units_per_s: int) -> None:
        self._root = tree.root
        self._ageing_units_per_s = ageing_units_per_s
        self._ranked = RankedQueue(self._rank, asks_above_leaves=True)

    def _rank(self, ticket: Ticket) -> Rank:
        # In thousandths of a unit, because time is in milliseconds.
        return (ticket.expected_units * 1000 + ticket.queued_ms * self._ageing_units_per_s,)

    def queued(self, ticket: Ticket) -> None:
        self._ranked.queued(ticket)

    def unqueued(self, ticket: Ticket) -> None:
        self._ranked.unqueued(ticket)

    def next(self, openings: Openings, now_ms: int) -> Ticket:
        return self._ranked.first(self._root, openings, now_ms)

    def started(self, ticket: Ticket) -> None:
        """No turns are counted."""

    def charged(self, ticket: Ticket, units: int, now_ms: int) -> None:
        """What was served does not matter here."""

    def charged_elsewhere(self, leaf: Node, units: int, now_ms: int) -> None:
        """Nor where."""

    def ended(self, ticket: Ticket) -> None:
        """Nor that it ended."""

    def forget(self, node: Node) -> None:
        """Nothing is kept of who does not wait."""


_: type[Order] = ShortestFirst

POLICY = Policy(
    name="shortest-first",
    summary="the request that is expected to cost least goes next; waiting makes it cheaper",
    source="Schrage, 1968; ageing as in many operating systems",
    order=OrderPart(
        name="shortest-first",
        summary="least expected cost, less what it has earned by waiting",
        build=lambda ground, _queue, values: ShortestFirst(
            ground.tree, ageing_units_per_s=values["ageing_units_per_s"]
        ),
        parameters=(
            Parameter(
                name="ageing_units_per_s",
                meaning="what a second of waiting takes off the cost by which a request is ranked",
                default=500,
                minimum=1,
                maximum=1_000_000,
            ),
        ),
        passes_through=True,
    ),
)
