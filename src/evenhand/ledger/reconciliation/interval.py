"""Counts, cut where the engine was calm: between two such moments everything of ours began and ended."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from evenhand.ledger.reconciliation.count import EngineCount, Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """After `from_ms`, until `to_ms`. `input_tokens` and `output_tokens` are what the engine counted,
    over its restarts. `restarts`: how often it began anew; what it counted after its last reading
    before that is lost. `away_ms`: for how long no gateway was there. `open_input` and
    `open_output_most` belong to requests that were there at an end that was not calm."""

    from_ms: int
    to_ms: int
    input_tokens: int
    output_tokens: int
    restarts: int
    away_ms: int
    open_input: int
    open_output_most: int
    sums: Sums


def intervals(counts: Sequence[EngineCount]) -> Iterator[Interval]:
    """In the order of time; `counts` are of one engine, in that order."""
    start = 0
    for index in range(1, len(counts)):
        if counts[index].is_calm or index == len(counts) - 1:
            yield _interval(counts[start : index + 1])
            start = index


def compared(
    counts: Sequence[EngineCount], from_ms: int | None, to_ms: int | None
) -> Sequence[EngineCount]:
    """Those to be compared for a period: from calm to calm, within it, if there are two such; else all
    that are within."""
    within = [
        count
        for count in counts
        if (from_ms is None or count.at_ms >= from_ms) and (to_ms is None or count.at_ms <= to_ms)
    ]
    calm = [index for index, count in enumerate(within) if count.is_calm]
    return within[calm[0] : calm[-1] + 1] if len(calm) > 1 else within


def _interval(counts: Sequence[EngineCount]) -> Interval:
    input_tokens = output_tokens = restarts = away_ms = 0
    sums = Sums()
    for before, after in pairwise(counts):
        is_same_run = before.boot == after.boot
        went_back = (
            after.input_tokens < before.input_tokens or after.output_tokens < before.output_tokens
        )
        began_anew = went_back or (is_same_run and before.life != after.life)
        restarts += began_anew
        input_tokens += after.input_tokens - (0 if began_anew else before.input_tokens)
        output_tokens += after.output_tokens - (0 if began_anew else before.output_tokens)
        if is_same_run:
            sums = sums + (after.sums - before.sums)
        else:
            away_ms += max(0, after.at_ms - before.at_ms)
            sums = sums + after.sums
    first, last = counts[0], counts[-1]
    return Interval(
        from_ms=first.at_ms,
        to_ms=last.at_ms,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        restarts=restarts,
        away_ms=away_ms,
        open_input=first.open_input + last.open_input,
        open_output_most=first.open_output_most + last.open_output_most,
        sums=sums,
    )
