"""What is known of one request from its arrival to its end, however often the engine begins it again."""

from typing import Any

from evenhand.inengine.tenant_hints import TenantHints
from evenhand.model import NO_USAGE, Usage


class Asked:
    """One request, with the copies that the engine makes of it where several answers are asked for."""

    __slots__ = (
        "cached_tokens",
        "ended_tokens",
        "hints",
        "id",
        "open_states",
        "place",
        "position_max",
        "prompt_tokens",
    )

    def __init__(self, state: Any, hints: TenantHints, place: int) -> None:
        self.id: str = state.request_id
        self.hints = hints
        self.place = place
        """By arrival."""
        self.prompt_tokens = len(state.initial_tokens)
        self.cached_tokens: int | None = None
        """None until it is started for the first time."""
        # What a copy has already when it becomes a request of its own is not its own.
        self.ended_tokens = -len(state.generated_tokens)
        """Of answers that are complete."""
        self.open_states = 1
        self.position_max = 0
        """How far it was computed at most."""

    def answer_tokens(self, state: Any) -> int:
        """How many tokens of its answer one state has. What was generated before the engine took it back
        stands among what it has to compute first."""
        return len(state.initial_tokens) - self.prompt_tokens + len(state.generated_tokens)

    def recomputed(self, start: int, end: int) -> int:
        """Positions from `start` to `end` are computed now; how many of them were computed before."""
        again = max(0, min(end, self.position_max) - start)
        self.position_max = max(self.position_max, end)
        return again

    def usage(self) -> Usage:
        """When all its answers have ended: what was computed of its prompt, and all that it produced."""
        cached = self.cached_tokens
        if cached is None:
            return NO_USAGE
        computed = min(self.prompt_tokens, max(self.position_max, cached))
        return Usage(computed, self.ended_tokens, cached)
