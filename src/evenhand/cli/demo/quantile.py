"""Quantiles of waiting times, some of which are only known to be longer than something.

A quantile is the nearest-rank order statistic. Its interval is the distribution-free one: of n
independent samples the number below the true quantile is binomial, which tells between which two
order statistics it lies. Neighbouring requests wait in the same queue and so are not independent:
where queues are long the true interval is wider.

A sample known only as a lower bound (the phase ended while it waited) counts as that bound in the
value and in the low end, and as endless in the high end.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile:
    """Value and 95 % interval; an end is None where the samples are too few to tell."""

    value: float
    low: float | None
    high: float | None


def quantile(
    share: float, samples: Sequence[float], lower_bounds: Sequence[float] = ()
) -> Quantile | None:
    """The quantile at `share` (0.5 is the median); None without any sample."""
    seen = sorted([*samples, *lower_bounds])
    if not seen:
        return None
    pessimistic = [*sorted(samples), *[math.inf] * len(lower_bounds)]
    below, above = _ranks(share, len(seen))
    high = pessimistic[above - 1] if above <= len(seen) else math.inf
    return Quantile(
        value=seen[max(math.ceil(share * len(seen)), 1) - 1],
        low=seen[below - 1] if below >= 1 else None,
        high=None if math.isinf(high) else high,
    )


def _ranks(share: float, count: int) -> tuple[int, int]:
    """Ranks (from 1) of the order statistics around the quantile; 0 and count + 1 are open ends."""
    tail = (1 - _CONFIDENCE) / 2
    below, above = 0, count + 1
    cumulative = 0.0
    for successes in range(count + 1):
        cumulative += _binomial(count, successes, share)
        # P(fewer than r samples below the quantile) is the cumulative probability at r - 1.
        if cumulative <= tail:
            below = successes + 1
        if cumulative >= 1 - tail:
            above = successes + 1
            break
    return below, above


def _binomial(count: int, successes: int, share: float) -> float:
    ways = math.lgamma(count + 1) - math.lgamma(successes + 1) - math.lgamma(count - successes + 1)
    return math.exp(ways + successes * math.log(share) + (count - successes) * math.log(1 - share))
