"""What is known of one request from its arrival to its end, however often the engine begins it again."""

from typing import Any

from evenhand.inengine.accounts import Positions
from evenhand.inengine.settings import LaneCaps
from evenhand.inengine.step_time import StepOwner
from evenhand.model import NO_USAGE, ApplicationName, LaneName, TenantPath, Usage


class Record:
    """`state` is the engine's own. `number` is by arrival. Where several answers are asked for, the
    engine copies the request: a copy has a record too, and the core knows only its `original`."""

    __slots__ = (
        "cached_tokens",
        "caps",
        "ended_tokens",
        "gpu_owner",
        "group",
        "number",
        "open_records",
        "original",
        "positions",
        "prompt_tokens",
        "state",
        "tenant",
    )

    def __init__(
        self,
        state: Any,
        group: tuple[TenantPath, LaneName],
        caps: LaneCaps,
        number: int,
        *,
        application: ApplicationName,
    ) -> None:
        self.state = state
        self.tenant = group[0]
        self.group = group
        """Requests that stand alike."""
        self.gpu_owner = StepOwner(group[0], application)
        """Whose time its steps are."""
        self.caps = caps
        self.number = number
        self.positions = Positions()
        self.prompt_tokens = len(state.initial_tokens)
        self.cached_tokens: int | None = None
        """None until it is started for the first time."""
        # What a copy has when it becomes a request of its own is not its own.
        self.ended_tokens = -len(state.generated_tokens)
        """Of answers that are complete."""
        self.original = self
        self.open_records = 1

    @property
    def id(self) -> str:
        """By which the core knows it."""
        return str(self.original.state.request_id)

    @property
    def answer_tokens(self) -> int:
        """What was generated before the engine took it back stands among what is computed first."""
        state = self.state
        return len(state.initial_tokens) - self.prompt_tokens + len(state.generated_tokens)

    @property
    def prompt_left(self) -> int:
        """Tokens to be computed before it answers on."""
        return len(self.state.remaining_prefill_tokens)

    @property
    def memory_tokens(self) -> int:
        """Places in the cache that it has or is going to need soon."""
        return int(self.state.current_len()) + self.prompt_left

    def copy(self, state: Any) -> "Record":
        """The record of a copy of it."""
        application = self.gpu_owner.application
        copy = Record(state, self.group, self.caps, self.number, application=application)
        copy.original = original = self.original
        copy.ended_tokens, copy.prompt_tokens = 0, self.prompt_tokens
        original.open_records += 1
        return copy

    def usage(self) -> Usage:
        """When all its answers have ended: what was computed of its prompt, and all that it produced."""
        cached = self.cached_tokens
        if cached is None:
            return NO_USAGE
        used = min(self.prompt_tokens, max(self.positions.mark, cached))
        return Usage(used, self.ended_tokens, cached)
