"""A workload in a few figures, before anything is simulated."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from evenhand.model import TenantPath
from evenhand.workloads.ask import Ask, Segment

SAMPLE_MAX = 20_000
_OUTPUT_WEIGHT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of the asks that were looked at. `duration_s`: until the last one may be sent at the earliest. The
    heaviest tenant is the one with the most input plus twice the output. `ideal_reuse` is the part of
    the input that a prefix cache without limit would hold if asks came one after another."""

    requests: int
    tenants: int
    interactions: int
    input_mean: float
    output_mean: float
    duration_s: float
    heaviest_share: float
    ideal_reuse: float


class PrefixMemory:
    """All that was ever said. Bounded by what it is told."""

    def __init__(self) -> None:
        self._longest: dict[tuple[int, int], int] = {}
        self._nodes: dict[tuple[int, int, int], int] = {}

    def known_tokens(self, prompt: tuple[Segment, ...]) -> int:
        """How many tokens from its beginning on were said before."""
        node = known = 0
        for content, tokens in prompt:
            known += min(tokens, self._longest.get((node, content), 0))
            following = self._nodes.get((node, content, tokens))
            if following is None:
                return known
            node = following
        return known

    def add(self, text: tuple[Segment, ...]) -> None:
        """It is said."""
        node = 0
        for content, tokens in text:
            longest = self._longest.get((node, content), 0)
            self._longest[node, content] = max(longest, tokens)
            node = self._nodes.setdefault((node, content, tokens), len(self._nodes) + 1)


def figures(asks: Iterable[Ask], asks_max: int = SAMPLE_MAX) -> Figures:
    """Of the first so many asks. There must be one."""
    costs: Counter[TenantPath] = Counter()
    actions = set[str | int]()
    memory = PrefixMemory()
    requests = inputs = outputs = known = 0
    last_ms = 0.0
    for ask in islice(asks, asks_max):
        requests += 1
        inputs += ask.input_tokens
        outputs += ask.output_tokens
        costs[ask.tenant] += ask.input_tokens + _OUTPUT_WEIGHT * ask.output_tokens
        actions.add(ask.interaction or ask.id)
        last_ms = max(last_ms, ask.at_ms)
        if ask.prompt:
            known += memory.known_tokens(ask.prompt)
            said = ask.prompt
            if ask.output_content is not None:
                said = (*said, Segment(ask.output_content, ask.output_tokens))
            memory.add(said)
    return Figures(
        requests=requests,
        tenants=len(costs),
        interactions=len(actions),
        input_mean=inputs / requests,
        output_mean=outputs / requests,
        duration_s=last_ms / 1000,
        heaviest_share=max(costs.values()) / costs.total(),
        ideal_reuse=known / inputs,
    )
