"""F1: what a policy promises of siblings that wait for the same engines in the same lane, against what
it does, at every instant.

A bound is claimed where those who wait for a pool have had nothing from other pools, since service
counts in all of them (order/vtc.md, What it does not promise). The watch remembers who had.
"""

from fractions import Fraction

from evenhand.scheduling import VIRTUAL_PER_UNIT, Node, Scheduler
from evenhand.scheduling.pool import Pool
from properties.machine_ground import COST

_Pair = tuple[Node, Node]


class BoundWatch:
    """Told of what happens; `check` after each step."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._used: dict[Node, set[Pool]] = {}
        """The pools that anything beneath a node ever waited for."""
        self._mixed: set[tuple[Node, Pool]] = set()
        """Parents and pools where a child had something from another pool, be it gone by now."""
        self._in_flight_peak = 1
        self._weight_least: dict[Node, int] = {}
        """By parent: the least that a child ever weighed."""
        self._moves: dict[Node, int] = {}
        """By parent: how many were put beneath it. Each may bring once more what is in flight."""
        self._together: dict[_Pair, tuple[int, int]] = {}
        """Siblings that have waited together, and the service of both when that began."""
        self.pairs_compared = 0
        self.gap_largest = Fraction(0)
        """As a part of the bound."""

    def queued(self, leaf: Node, pool: Pool) -> None:
        """Something waits there, or starts without having to."""
        for node in leaf.lineage:
            self._uses(node, {pool})

    def _uses(self, node: Node, pools: set[Pool]) -> None:
        used = self._used.setdefault(node, set())
        used |= pools
        if len(used) > 1 and node.parent is not None:
            self._mixed.update((node.parent, pool) for pool in used)

    def in_flight(self, requests: int) -> None:
        self._in_flight_peak = max(self._in_flight_peak, requests)

    def weighed(self, node: Node) -> None:
        """Service before and after cannot be compared by one weight."""
        self._together = {p: began for p, began in self._together.items() if node not in p}

    def moved(self, before: Node, node: Node) -> None:
        """`before` was its parent. What is charged went from one's ancestors to the other's."""
        to = node.parent
        assert to is not None
        self._moves[to] = self._moves.get(to, 0) + self._moves.get(before, 0) + 1
        least = min(self._weight_least.get(parent, node.weight) for parent in (before, to))
        self._weight_least[to] = least
        for above in node.lineage:
            self._uses(above, self._used.get(node, set()))
        self._together.clear()

    def check(self) -> None:
        still: dict[_Pair, tuple[int, int]] = {}
        for parent in self._scheduler.tree.nodes():
            if not parent.children:
                continue
            least = min(child.weight for child in parent.children.values())
            self._weight_least[parent] = min(least, self._weight_least.get(parent, least))
            for pool in parent.views:
                waiting = [c for c in parent.children.values() if pool in c.waiting_pools]
                if len(waiting) > 1 and (parent, pool) not in self._mixed:
                    self._check_siblings(parent, waiting, pool, still)
        self._together = still

    def _check_siblings(
        self, parent: Node, waiting: list[Node], pool: Pool, still: dict[_Pair, tuple[int, int]]
    ) -> None:
        gap_max, lag_max = self._bounds(parent)
        counters = [node.counter(pool) for node in waiting]
        gap = max(counters) - min(counters)
        assert gap <= gap_max * VIRTUAL_PER_UNIT, "siblings that wait are too far apart"
        self.gap_largest = max(self.gap_largest, Fraction(gap, gap_max * VIRTUAL_PER_UNIT))
        for i, f in enumerate(waiting):
            for g in waiting[i + 1 :]:
                units_f, units_g = f.service_units, g.service_units
                f0, g0 = still[f, g] = self._together.get((f, g), (units_f, units_g))
                lag = (units_f - f0) * g.weight - (units_g - g0) * f.weight
                assert abs(lag) <= lag_max * f.weight * g.weight, "one lags too far behind"
                self.pairs_compared += 1

    def _bounds(self, parent: Node) -> tuple[int, int]:
        """With what was ever in flight and ever charged, not what might be: as tight as it can be."""
        policy = self._scheduler.settings.policy
        world = {
            "window": self._in_flight_peak,
            "request_units_max": max(1, self._scheduler.request_units_peak),
            "weight_min": self._weight_least[parent],
            "input_units": COST.input,
        }
        gap, lag = policy.counter_gap_max(**world), policy.lag_bound(**world)
        assert gap is not None
        assert lag is not None
        times = 1 + self._moves.get(parent, 0)
        return gap * times, lag * times
