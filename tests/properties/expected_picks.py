"""What must go next, computed anew from all that waits, for each order between tenants.

An expectation is asked once before each pick, with the requests that could start. Where a page leaves
the order within a tenant to a queue that has tests of its own, only the leaf is named.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from evenhand.scheduling import VIRTUAL_PER_UNIT, Node, Scheduler
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.ticket import Ticket
from properties.machine_ground import COST

QUANTUM_TOKENS = 100
AGE_S = 2


class Expectation(Protocol):
    """`settle_down` is called after each step, `put_elsewhere` before a node moves with its tickets."""

    def check(self, may_start: Sequence[Ticket], now_ms: int) -> Callable[[Ticket], bool]:
        """Whether a pick among those is right; they are at least one."""

    def settle_down(self) -> None: ...

    def put_elsewhere(self, node: Node) -> None: ...


class Anything:
    """Any that can start, where another test knows better."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler

    def check(self, may_start: Sequence[Ticket], now_ms: int) -> Callable[[Ticket], bool]:
        del now_ms
        return lambda ticket: ticket in may_start

    def settle_down(self) -> None:
        """Nothing is kept."""

    def put_elsewhere(self, node: Node) -> None:
        """Nothing is kept."""


class Earliest(Anything):
    """Whoever's it is."""

    def check(self, may_start: Sequence[Ticket], now_ms: int) -> Callable[[Ticket], bool]:
        earliest = min(may_start, key=_arrival)
        return lambda ticket: ticket is earliest


class LeastCounter(Anything):
    """The earliest of the leaf that a walk along the least counters leads to."""

    def check(self, may_start: Sequence[Ticket], now_ms: int) -> Callable[[Ticket], bool]:
        earliest = min(self.of_the_leaf(may_start), key=_arrival)
        return lambda ticket: ticket is earliest

    def of_the_leaf(self, may_start: Sequence[Ticket]) -> Sequence[Ticket]:
        node, beneath = self.scheduler.tree.root, may_start
        while node.children:
            keys = {(_child(node, t).counter(t.pool), _child(node, t).index): t for t in beneath}
            node = _child(node, keys[min(keys)])
            beneath = [ticket for ticket in beneath if node in ticket.leaf.lineage]
        return beneath


class LeastCounterLeaf(LeastCounter):
    """Any of that leaf."""

    def check(self, may_start: Sequence[Ticket], now_ms: int) -> Callable[[Ticket], bool]:
        right = self.of_the_leaf(may_start)
        return lambda ticket: ticket in right


class Ring(Anything):
    """drr.md: levels and turns of its own; counters it reads off the tree."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__(scheduler)
        self._levels: dict[tuple[Node, Pool], int] = {}
        self._turns: dict[tuple[Node, Pool], int] = {}

    def check(self, may_start: Sequence[Ticket], now_ms: int) -> Callable[[Ticket], bool]:
        node, beneath = self.scheduler.tree.root, list(may_start)
        while node.children:
            turns = [
                (child.counter(pool), child.index, pool.engines, child, pool)
                for pool in dict.fromkeys(ticket.pool for ticket in beneath)
                for child in [self._turn(node, pool, self._may_go(node, pool, beneath))]
            ]
            _, index, _, child, pool = min(turns, key=lambda turn: turn[:3])
            self._turns[node, pool] = index
            node = child
            beneath = [t for t in beneath if t.pool is pool and node in t.leaf.lineage]
        earliest = min(beneath, key=_arrival)
        return lambda ticket: ticket is earliest

    def _turn(self, node: Node, pool: Pool, may_go: Sequence[Ticket]) -> Node:
        turn = self._turns.get((node, pool), 0)
        children = {_child(node, ticket) for ticket in may_go}
        return min(children, key=lambda child: (child.index < turn, child.index))

    def _may_go(self, node: Node, pool: Pool, beneath: Sequence[Ticket]) -> list[Ticket]:
        """Those whose quantum is not used up. The level moves first."""
        counters = {t: _child(node, t).counter(pool) for t in beneath if t.pool is pool}
        least = min(counters.values())
        quantum = QUANTUM_TOKENS * COST.input * VIRTUAL_PER_UNIT
        level = min(self._levels.get((node, pool), least + quantum), least + quantum)
        while level <= least:
            level += quantum
        self._levels[node, pool] = level
        return [ticket for ticket, counter in counters.items() if counter < level]

    def settle_down(self) -> None:
        self._forget(lambda node, pool: pool not in node.views)

    def put_elsewhere(self, node: Node) -> None:
        """Where only those who go wait, nobody waits for a moment."""
        waiting = [t for t in self.scheduler._tickets.values() if t.engine is None]
        stay = {(n, t.pool) for t in waiting if node not in t.leaf.lineage for n in t.leaf.lineage}
        self._forget(lambda n, pool: (n, pool) not in stay and n in node.lineage[1:])

    def _forget(self, is_over: Callable[[Node, Pool], bool]) -> None:
        for node, pool in list(self._levels):
            if is_over(node, pool):
                del self._levels[node, pool]
                self._turns.pop((node, pool), None)


class LongestPrefix(Ring):
    """dlpm.md: of those whose quantum is not used up, the first ticket."""

    def check(self, may_start: Sequence[Ticket], now_ms: int) -> Callable[[Ticket], bool]:
        node, beneath = self.scheduler.tree.root, list(may_start)
        while node.children:
            pools = dict.fromkeys(ticket.pool for ticket in beneath)
            first = self._first([t for p in pools for t in self._may_go(node, p, beneath)], now_ms)
            node = _child(node, first)
            beneath = [t for t in beneath if t.pool is first.pool and node in t.leaf.lineage]
        expected = self._first(beneath, now_ms)
        return lambda ticket: ticket is expected

    def _first(self, tickets: Sequence[Ticket], now_ms: int) -> Ticket:
        oldest = min(tickets, key=lambda t: (_aged_ms(t), t.sequence))
        if now_ms >= _aged_ms(oldest):
            return oldest
        prefixes, free = self.scheduler.prefixes, self.scheduler.capacity.free
        assert prefixes is not None
        near = [(t, t.home) for t in tickets if t.home is not None and t.home in free]
        if not near:
            return oldest
        return min(near, key=lambda n: (-prefixes.matched(n[0].request, n[1]), n[0].sequence))[0]


class LongestPrefixOfAll(LongestPrefix):
    """The same without an order between tenants."""

    def check(self, may_start: Sequence[Ticket], now_ms: int) -> Callable[[Ticket], bool]:
        expected = self._first(may_start, now_ms)
        return lambda ticket: ticket is expected


def _arrival(ticket: Ticket) -> int:
    return ticket.sequence


def _child(node: Node, ticket: Ticket) -> Node:
    """The child of the node above the ticket."""
    return ticket.leaf.lineage[len(ticket.leaf.path) - len(node.path) - 1]


EXPECTATIONS: dict[str, Callable[[Scheduler], Expectation]] = {
    "fcfs": Earliest,
    "rpm": Earliest,
    "tpm": Earliest,
    "round-robin": Anything,
    "las": Anything,
    "lcf": LeastCounter,
    "vtc": LeastCounter,
    "wsc": LeastCounter,
    "fairserve": LeastCounterLeaf,
    "drr": Ring,
    "dlpm": LongestPrefix,
    "d2lpm": LongestPrefix,
    "lpm": LongestPrefixOfAll,
}


def _aged_ms(ticket: Ticket) -> int:
    return ticket.queued_ms + min(AGE_S * 1_000, ticket.request.queue_wait_ms_max // 2)
