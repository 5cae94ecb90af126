"""F2: who begins to wait stands no lower than before, nor than the present of that pool."""

from evenhand.scheduling import Node, Scheduler
from evenhand.scheduling.pool import Pool


class LiftWatch:
    """Made before a request is submitted; compared after."""

    def __init__(self, scheduler: Scheduler, pool: Pool) -> None:
        self._pool = pool
        nodes = list(scheduler.tree.nodes())
        self._presents = {parent: _present(parent, pool) for parent in nodes if parent.children}
        self._counters = {node: node.counter(pool) for node in nodes}
        self._waited = {node for node in nodes if pool in node.waiting_pools}
        self.begins_in_an_empty_queue = pool not in scheduler.tree.root.views

    def check(self, leaf: Node) -> None:
        """The leaf waits now."""
        pool = self._pool
        for node in leaf.lineage:
            if node.parent is None:
                return
            if node in self._waited:
                assert node.counter(pool) == self._counters[node]
            else:
                assert node.counter(pool) >= self._counters[node], "a debt was erased"
                assert node.counter(pool) >= self._presents[node.parent], "credit was banked"


def _present(parent: Node, pool: Pool) -> int:
    """Where somebody who begins to wait for the pool must stand at least: the least of those who wait
    for it; if none do, by engine the least of those who wait for that engine, or the last that left it;
    and of these the highest."""
    same = [c.counter(pool) for c in parent.children.values() if pool in c.waiting_pools]
    if same:
        return min(same)
    at_engines = [0]
    for engine in pool.engines:
        waiting = [
            child.counter(other)
            for child in parent.children.values()
            for other in child.waiting_pools
            if engine in other.engines
        ]
        if waiting:
            at_engines.append(min(waiting))
        elif engine in parent.last_left:
            left, where = parent.last_left[engine].node, parent.last_left[engine].pool
            at_engines.append(left.counter(where))
    return max(at_engines)
