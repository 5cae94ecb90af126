"""Who has long been idle is forgotten: what only the idle keep would grow with everybody who ever came.

A hand goes round the tree, some nodes at a time, and begins a round when a quarter of the time has
passed after which a node counts as idle: looking more often would find hardly more. What is forgotten
of a node is what makes no difference any more: lifts that it would get again, and what was learned of
its requests.
"""

from collections.abc import Callable, Iterator

from evenhand.scheduling.node import Node
from evenhand.scheduling.share_tree import ShareTree


class IdleHand:
    """`on_idle` hears of each idle leaf, again and again while it is idle."""

    def __init__(self, tree: ShareTree, *, after_ms: int, on_idle: Callable[[Node], None]) -> None:
        assert after_ms >= 1
        self._tree = tree
        self._after_ms = after_ms
        self.on_idle = on_idle
        self._round: Iterator[Node] = iter(())
        self._version = -1
        self._begins_ms = 0

    def go(self, now_ms: int, *, nodes_max: int) -> None:
        """Look at the next nodes."""
        if self._version != self._tree.version:
            if now_ms < self._begins_ms:
                return
            self._begins_ms = now_ms + self._after_ms // 4
            self._round, self._version = iter(list(self._tree.nodes())), self._tree.version
        for _ in range(nodes_max):
            node = next(self._round, None)
            if node is None:
                self._version = -1
                return
            is_busy = node.queued_requests or node.running_requests
            if is_busy or now_ms - node.last_ended_ms < self._after_ms:
                continue
            self._tree.forget_lifts(node)
            if not node.children:
                self.on_idle(node)
