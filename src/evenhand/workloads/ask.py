"""One request of a workload: who asks, when, and how much work it is. No text, only lengths."""

from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from evenhand.model import TenantPath


class Segment(NamedTuple):
    """A stretch of a prompt: so many tokens, at least one, from the beginning of the content of that
    number. Two prompts share as long as they begin with the same contents."""

    content: int
    tokens: int


_TOKENS = attrgetter("tokens")


@dataclass(slots=True, eq=False, kw_only=True)
class Ask:
    """A request before it is sent. `id` is unique in its workload.

    It is sent at `at_ms` after the start, or `think_ms` after the last of the asks `after` was answered
    if that is later; it is never sent if one of these was not answered. `is_awaited`: some ask comes
    after it. `prompt` says what its input
    consists of, for prefix caches, and sums up to `input_tokens`; empty: it is like no other.
    `output_content` is the content of its answer where a later prompt repeats it. `system_tokens` of
    the input are its application's own. `interaction` names the user action it belongs to; empty: it is
    one of its own. `call_index` counts its calls from 0, `calls_total` is how many its client says
    there will be.
    """

    id: int
    at_ms: float
    tenant: TenantPath
    input_tokens: int
    output_tokens: int
    after: tuple[int, ...] = ()
    think_ms: float = 0.0
    is_awaited: bool = False
    prompt: tuple[Segment, ...] = ()
    output_content: int | None = None
    application: str = "default"
    system_tokens: int = 0
    interaction: str = ""
    call_index: int = 0
    calls_total: int = 1
    lane: str = "default"

    def __post_init__(self) -> None:
        assert self.at_ms >= 0
        assert self.input_tokens >= 1
        assert self.output_tokens >= 1
        assert self.call_index >= 0
        assert not self.prompt or sum(map(_TOKENS, self.prompt)) == self.input_tokens
        assert not self.prompt or min(map(_TOKENS, self.prompt)) >= 1
