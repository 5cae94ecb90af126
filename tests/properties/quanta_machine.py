"""The scheduler's machine for orders with quanta (order/dlpm.md, order/drr.md): what they must pick."""

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from evenhand.model import EngineName, Request, TrustDomain
from evenhand.scheduling import VIRTUAL_PER_UNIT, Node
from evenhand.scheduling.pool import Pool
from properties.scheduler_machine import COST, OnePoolMachine

QUANTUM_TOKENS = 100
AGE_S = 2
PREFIXES = [b"", b"a", b"ab", b"abc", b"abd", b"b", b"bbbb"]


class DrrMachine(OnePoolMachine):
    """Its own levels; counters it reads off the tree."""

    preset = "drr"
    parameters = {"quantum_tokens": QUANTUM_TOKENS}

    def __init__(self) -> None:
        super().__init__()
        self.levels: dict[tuple[Node, Pool], int] = {}
        self.turns: dict[tuple[Node, Pool], int] = {}

    def _next_by_brute_force(self) -> Request | None:
        node, beneath = (
            self.scheduler.tree.root,
            [r for r in self.waiting.values() if self._can_start(r)],
        )
        while beneath and node.children:
            # One pool in all.
            level = self._level(node, beneath)
            may_go = [r for r in beneath if self._child(node, r).counter(self._pool_of(r)) < level]
            node = self._chosen(node, may_go)
            beneath = [r for r in beneath if r.tenant[: len(node.path)] == node.path]
        return self._first(beneath) if beneath else None

    def _child(self, node: Node, request: Request) -> Node:
        return node.children[request.tenant[len(node.path)]]

    def _level(self, node: Node, beneath: list[Request]) -> int:
        pool = self._pool_of(beneath[0])
        least = min(self._child(node, request).counter(pool) for request in beneath)
        quantum = QUANTUM_TOKENS * COST.input * VIRTUAL_PER_UNIT
        level = min(self.levels.get((node, pool), least + quantum), least + quantum)
        while level <= least:
            level += quantum
        self.levels[node, pool] = level
        return level

    def _chosen(self, node: Node, may_go: list[Request]) -> Node:
        pool = self._pool_of(may_go[0])
        turn = self.turns.get((node, pool), 0)
        children = {self._child(node, request) for request in may_go}
        child = min(children, key=lambda child: (child.index < turn, child.index))
        self.turns[node, pool] = child.index
        return child

    def _first(self, requests: list[Request]) -> Request:
        return min(requests, key=self._sequence_of)

    @invariant()
    def levels_are_forgotten_where_nobody_waits(self) -> None:
        for node, pool in list(self.levels):
            if pool not in node.views:
                del self.levels[node, pool]
                self.turns.pop((node, pool), None)


class DlpmMachine(DrrMachine):
    preset = "dlpm"
    parameters = {"quantum_tokens": QUANTUM_TOKENS, "prefix_age_s": AGE_S}

    @rule(prefix=st.sampled_from(PREFIXES))
    def evicted(self, prefix: bytes) -> None:
        self.scheduler.evicted(EngineName("e1"), prefix, TrustDomain(""))

    def _prefix(self, data: st.DataObject) -> bytes:
        return data.draw(st.sampled_from(PREFIXES))

    def _chosen(self, node: Node, may_go: list[Request]) -> Node:
        return self._child(node, self._first(may_go))

    def _first(self, requests: list[Request]) -> Request:
        oldest = min(requests, key=lambda r: (self._queued_ms(r), self._sequence_of(r)))
        if self.now_ms - self._queued_ms(oldest) >= AGE_S * 1_000:
            return oldest
        prefixes = self.scheduler._prefixes
        assert prefixes is not None
        # Those that began to wait while their engine was down are near it since it is up.
        return min(
            requests,
            key=lambda r: (-prefixes.matched(r, EngineName("e1")), self._sequence_of(r)),
        )

    def _queued_ms(self, request: Request) -> int:
        return self.scheduler._tickets[request.id].queued_ms

    @invariant()
    def the_order_keeps_nothing_of_the_dead(self) -> None:
        if not hasattr(self, "scheduler"):
            return
        order = self.scheduler._order
        nodes = [node for node in self.scheduler.tree.nodes() if node.views]
        assert {node for node, _ in order._fields} == set(nodes)  # type: ignore[attr-defined]
        for (node, pool), field in order._fields.items():  # type: ignore[attr-defined]
            for heap in field._heaps.values():
                assert len(heap) <= 2 * len(node.views[pool]) + 64 + 2
        queue = self.scheduler._queue
        assert len(queue._tickets) <= len(self.waiting)  # type: ignore[attr-defined]
