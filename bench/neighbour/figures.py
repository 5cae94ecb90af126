"""From what clients saw to figures, without a clock."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from evenhand.cli.demo.record import Record
from evenhand.cli.demo.service import credits_of, tokens_per_character


def waits_s(records: Sequence[Record], *, seconds: float) -> list[float]:
    """Times to the first token. One that had none when the scene ended has waited at least so long,
    and counts with that if half of the others had theirs sooner."""
    heard = sorted(r.first_token_at - r.sent_at for r in records if r.first_token_at is not None)
    middle = heard[len(heard) // 2] if heard else 0.0
    unheard = [seconds - r.sent_at for r in records if r.first_token_at is None]
    return sorted([*heard, *(wait for wait in unheard if wait > middle)])


def steps_s(records: Sequence[Record]) -> list[float]:
    """Times between the tokens of each answer."""
    return [b - a for record in records for a, b in pairwise(record.token_at)]


def releases_s(records: Sequence[Record], others: Sequence[Record]) -> list[float]:
    """For each request, how long after it was sent the next one of the others ended, which is when the
    next slot came free where all are taken."""
    ends = sorted(record.ended_at for record in others if record.ended_at is not None)
    found = []
    for record in records:
        after = bisect_right(ends, record.sent_at)
        if after < len(ends):
            found.append(ends[after] - record.sent_at)
    return found


def tokens_per_s(records: Sequence[Record], *, since_s: float, seconds: float) -> float:
    """Input and output that was computed, per second."""
    density = tokens_per_character(records)
    computed = sum(
        credit.tokens
        for record in records
        for credit in credits_of(record, density=density, seconds=seconds)
        if since_s <= credit.at_s
    )
    return computed / (seconds - since_s)


def quantile(values: Sequence[float], part: float) -> float | None:
    """The nearest-rank order statistic; None of nothing."""
    ordered = sorted(values)
    return ordered[max(math.ceil(part * len(ordered)), 1) - 1] if ordered else None
