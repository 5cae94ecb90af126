"""What was asked, and what was seen: of requests, and of the engine's steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evenhand.scheduling import TokenWeights

UNITS = TokenWeights()


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """So many clients of a tenant, each of which asks again when it has its answer and has paused."""

    tenant: str
    clients: int
    prompt: int
    answer: int
    think_s: float = 0.0
    from_s: float = 0.0


@dataclass(kw_only=True)
class Record:
    """One request; instants in seconds since the run began."""

    tenant: str
    prompt: int
    answer: int
    sent_s: float
    token_s: list[float] = field(default_factory=list)

    @property
    def units_asked(self) -> int:
        return UNITS.of_tokens(self.prompt, self.answer)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One iteration. `pairs` of tokens attend to each other in prefill; `read` is all that is read of
    keys and values; `units` is what each tenant was served."""

    begin_s: float
    ms: float
    prompt_tokens: int
    answers: int
    context: int
    pairs: float
    read: int
    units: Mapping[str, int]

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.answers


@dataclass(frozen=True, kw_only=True)
class Played:
    records: Sequence[Record]
    steps: Sequence[Step]
    seconds: float


def part_of(part: Any) -> tuple[str, int, int, bool]:
    state = part.state
    tokens, before = part.query_length, state.position_offset
    is_prompt = before < len(state.initial_tokens)
    return state.request_id.partition("~")[0], tokens, before, is_prompt


def step_of(begin: float, ms: float, had: Sequence[tuple[str, int, int, bool]]) -> Step:
    prompts = [(tokens, before) for _, tokens, before, is_prompt in had if is_prompt]
    answers = [before for _, _, before, is_prompt in had if not is_prompt]
    units: dict[str, int] = {}
    for tenant, tokens, _, is_prompt in had:
        of_part = tokens * (UNITS.input if is_prompt else UNITS.output)
        units[tenant] = units.get(tenant, 0) + of_part
    return Step(
        begin_s=begin,
        ms=ms,
        prompt_tokens=sum(tokens for tokens, _ in prompts),
        answers=len(answers),
        context=sum(answers),
        pairs=sum(tokens * (before + tokens / 2) for tokens, before in prompts),
        read=sum(tokens + before for _, tokens, before, _ in had),
        units=units,
    )
