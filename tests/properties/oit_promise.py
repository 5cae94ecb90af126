"""F13: who is throttled is overloading, is over his share, and is not in the middle of something; by
books of calls kept here. `test_throttled_runs.py` recomputes overload and shares as well."""

from collections import Counter

from evenhand.model import InteractionId, Request
from evenhand.scheduling import Node

CALLS_MAX = 4
SUSTAINED_S = 1
DIALS = {
    "overload_target_s": 1,
    "overload_sustained_s": SUSTAINED_S,
    "interaction_calls_max": CALLS_MAX,
}


class CallBook:
    """Told of every call that is let in, and of its end. Nothing is ever idle for so long that it is
    over."""

    def __init__(self) -> None:
        self._calls: Counter[tuple[Node, InteractionId]] = Counter()
        self._calm_ms = 0
        """When a request last came and found nobody waiting."""

    def arrives(self, waiting: int, now_ms: int) -> None:
        """Before it is let in."""
        if not waiting:
            self._calm_ms = now_ms

    def throttled(self, request: Request, leaf: Node, now_ms: int) -> None:
        calls = self._calls[leaf, request.interaction]
        assert calls % CALLS_MAX == 0, "throttled in the middle of an interaction"
        assert now_ms - self._calm_ms >= SUSTAINED_S * 1_000, "throttled without an overload"
        assert leaf.queued_requests, "throttled although it has nothing waiting"

    def admitted(self, request: Request, leaf: Node) -> None:
        if request.interaction:
            self._calls[leaf, request.interaction] += 1

    def never_ran(self, request: Request, leaf: Node) -> None:
        if request.interaction:
            self._calls[leaf, request.interaction] -= 1
