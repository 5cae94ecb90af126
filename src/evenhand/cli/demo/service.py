"""Service over time, as clients can see it, in the cost units of the scheduler.

The prompt is credited when the first token comes, output as it comes. What the engine reported is
taken where the answer ended; a request that was cut off is estimated by those that did not.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from evenhand.cli.demo.record import End, Record
from evenhand.model import Usage
from evenhand.scheduling import TokenWeights
from evenhand.scheduling.cost.weights import INPUT_BYTES_PER_TOKEN_PRIOR

COST = TokenWeights()


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """Something that a tenant received at one moment."""

    at_s: float
    units: float
    tokens: float
    """Computed by the engine: cached input is left out."""


def tokens_per_character(records: Iterable[Record]) -> float:
    """Of the prompts whose length in tokens is known; English text's if none is."""
    known = [record for record in records if record.usage]
    characters = sum(record.prompt_characters for record in known)
    tokens = sum(record.usage.input_tokens for record in known if record.usage)
    return tokens / characters if characters and tokens else 1 / INPUT_BYTES_PER_TOKEN_PRIOR


def usage_of(record: Record, *, density: float) -> Usage:
    """What the request used, or has used so far. `density` is in tokens per character."""
    if record.usage:
        return record.usage
    input_tokens = round(record.prompt_characters * density) if record.token_at else 0
    return Usage(input_tokens, len(record.token_at), is_estimate=True)


def credits_of(record: Record, *, density: float, seconds: float) -> Iterator[Credit]:
    """All that came before the end of the phase, in order of time."""
    first = record.first_token_at
    if first is None or first > seconds:
        return
    usage = usage_of(record, density=density)
    prompt = Usage(usage.input_tokens, 0, usage.cached_input_tokens)
    computed = usage.input_tokens - usage.cached_input_tokens
    yield Credit(at_s=first, units=COST.of(prompt), tokens=computed)
    pieces = len(record.token_at)
    if not pieces:
        return
    tokens = usage.output_tokens / pieces
    for at_s in record.token_at[: bisect_right(record.token_at, seconds)]:
        yield Credit(at_s=at_s, units=tokens * COST.output, tokens=tokens)


def units_asked(record: Record, *, density: float) -> float:
    """What a request costs in all; one that has not ended, with its longest answer.

    Never less than what `credits_of` gives it.
    """
    used = COST.of(usage_of(record, density=density))
    if record.end is not End.CUT:
        return used
    prompt_tokens = record.prompt_characters * density
    return max(used, prompt_tokens * COST.input + record.output_tokens_max * COST.output)


def gap_max_s(records: Sequence[Record], *, seconds: float) -> float:
    """Longest time in which a tenant (whose records these are) had requests open and got nothing."""
    ends = ((r, seconds if r.ended_at is None else min(r.ended_at, seconds)) for r in records)
    spans = sorted((r.sent_at, end) for r, end in ends if r.sent_at < end)
    tokens = sorted(at_s for record in records for at_s in record.token_at if at_s <= seconds)
    longest = 0.0
    for begin, end in _united(spans):
        inside = tokens[bisect_right(tokens, begin) : bisect_right(tokens, end)]
        moments = [begin, *inside, end]
        longest = max(longest, *(b - a for a, b in pairwise(moments)))
    return longest


def _united(spans: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Overlapping spans, sorted by their beginning, as one."""
    open_span: tuple[float, float] | None = None
    for begin, end in spans:
        if open_span is None:
            open_span = (begin, end)
        elif begin <= open_span[1]:
            open_span = (open_span[0], max(open_span[1], end))
        else:
            yield open_span
            open_span = (begin, end)
    if open_span:
        yield open_span
