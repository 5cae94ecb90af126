"""What is kept of tenants that were active lately, and forgotten once they have been idle so long."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from evenhand.scheduling.node import Node

T = TypeVar("T")


class TenantMemory(Generic[T]):
    """A state for each leaf. Bounded by the leaves of the tree; whoever has been idle for `idle_ms` goes
    with the next call for anybody, unless `is_busy` says that it must stay."""

    def __init__(
        self,
        make: Callable[[], T],
        *,
        idle_ms: int,
        is_busy: Callable[[T], bool] = lambda _: False,
        on_idle: Callable[[Node, T], None] = lambda *_: None,
    ) -> None:
        """`on_idle` is told of each that goes by itself."""
        self._make = make
        self._idle_ms = idle_ms
        self._is_busy = is_busy
        self._on_idle = on_idle
        # With the moment of its last activity; the longest idle first.
        self._kept: OrderedDict[Node, tuple[int, T]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, leaf: Node) -> T | None:
        """The state of a tenant, if there is one. Changes nothing."""
        kept = self._kept.get(leaf)
        return None if kept is None else kept[1]

    def active(self, leaf: Node, now_ms: int) -> T:
        """The state of a tenant that is active at this moment."""
        self._let_go(now_ms)
        kept = self._kept.get(leaf)
        state = self._make() if kept is None else kept[1]
        self._kept[leaf] = (now_ms, state)
        self._kept.move_to_end(leaf)
        return state

    def _let_go(self, now_ms: int) -> None:
        while self._kept:
            leaf, (active_ms, state) = next(iter(self._kept.items()))
            if now_ms - active_ms < self._idle_ms:
                return
            if self._is_busy(state):
                self._kept[leaf] = (now_ms, state)
                self._kept.move_to_end(leaf)
                continue
            del self._kept[leaf]
            self._on_idle(leaf, state)
