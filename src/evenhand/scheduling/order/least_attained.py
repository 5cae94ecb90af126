"""Least attained service with a half-life (LAS): whoever has received least of late. Rule: las.md."""

from evenhand.scheduling.node import Node
from evenhand.scheduling.openings import Openings
from evenhand.scheduling.order.own_counters import OwnCounters
from evenhand.scheduling.order.protocol import Order
from evenhand.scheduling.queue.protocol import TicketQueue
from evenhand.scheduling.share_tree import ShareTree
from evenhand.scheduling.ticket import Ticket

_HALF_LIVES_MAX = 32
"""Counters are divided when charges have grown by 2^32."""


class LeastAttained:
    """Instead of letting all that was received fade, each new charge counts for more: by twice as much
    after a half-life. The order is the same, and only what changes is touched."""

    def __init__(self, tree: ShareTree, queue: TicketQueue, *, half_life_ms: int) -> None:
        assert half_life_ms >= 1
        self._attained = OwnCounters(tree.root)
        self._queue = queue
        self._half_life_ms = half_life_ms
        self._epoch_ms = 0
        # Of each running request: its units, and what they counted for when they were charged.
        self._charged: dict[Ticket, tuple[int, int]] = {}

    def queued(self, ticket: Ticket) -> None:
        self._attained.queued(ticket)

    def unqueued(self, ticket: Ticket) -> None:
        self._attained.unqueued(ticket)

    def next(self, openings: Openings, now_ms: int) -> Ticket:
        return self._queue.first(self._attained.least_leaf(openings.pools), openings, now_ms)

    def started(self, ticket: Ticket) -> None:
        """Not asked for."""

    def charged(self, ticket: Ticket, units: int, now_ms: int) -> None:
        worth = self._worth(now_ms)  # first: it may halve what all charges counted for
        before, counted_before = self._charged.get(ticket, (0, 0))
        # A refund takes back what those units counted for, which is less than they would now.
        counts = units * worth if units >= 0 else counted_before * units // before
        self._charged[ticket] = (before + units, counted_before + counts)
        for node in ticket.leaf.lineage:
            self._attained.counter(node).virtual += counts * node.ticks_per_unit
            if counts < 0:
                self._attained.shrunk(node)

    def charged_elsewhere(self, leaf: Node, units: int, now_ms: int) -> None:
        counts = units * self._worth(now_ms)
        for node in leaf.lineage:
            self._attained.counter(node).virtual += counts * node.ticks_per_unit

    def ended(self, ticket: Ticket) -> None:
        self._charged.pop(ticket, None)

    def forget(self, node: Node) -> None:
        self._attained.forget(node)

    def _worth(self, now_ms: int) -> int:
        """What a unit that is charged at this moment counts for: 2^(age / half-life) times 2^10, linear
        between whole half-lives."""
        half_life_ms = self._half_life_ms
        half_lives, rest_ms = divmod(now_ms - self._epoch_ms, half_life_ms)
        if half_lives >= _HALF_LIVES_MAX:
            self._begin_epoch(half_lives)
            half_lives = 0
        return ((half_life_ms + rest_ms) << (half_lives + 10)) // half_life_ms

    def _begin_epoch(self, half_lives: int) -> None:
        self._epoch_ms += half_lives * self._half_life_ms
        self._attained.halved(half_lives)
        self._charged = {
            ticket: (units, counted >> half_lives)
            for ticket, (units, counted) in self._charged.items()
        }


_: type[Order] = LeastAttained
