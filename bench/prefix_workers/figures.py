"""From what clients saw to figures. What is cached is what the engines report."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from bench.prefix_workers.traffic import NOISY, Traffic
from evenhand.cli.demo.record import End, Record
from evenhand.scheduling import TokenWeights

_UNITS = TokenWeights()
_OUTPUT_WEIGHT = 2
"""Of an answer's token, where a prompt's token is one, as in the papers' measure of service."""


def figures(
    records: Iterable[Record], traffic: Traffic, *, warm_s: float, seconds: float
) -> dict[str, Any]:
    """Of requests that ended between `warm_s` and `seconds`. A request that was open at the end counts
    in the quantiles with the time that it has waited by then."""
    ended = [r for r in records if r.end is End.DONE and warm_s <= (r.ended_at or 0) <= seconds]
    cut = [r for r in records if r.end is End.CUT]
    usages = [(r.tenant, r.usage) for r in ended if r.usage is not None]
    inputs = sum(usage.input_tokens for _, usage in usages)
    cached = sum(usage.cached_input_tokens for _, usage in usages)
    service, units = (dict.fromkeys(traffic.tenants, 0) for _ in range(2))
    for tenant, usage in usages:
        service[tenant] += usage.input_tokens + _OUTPUT_WEIGHT * usage.output_tokens
        units[tenant] += _UNITS.of(usage)
    victims = [r for r in ended if r.tenant != NOISY]
    late = [r for r in cut if r.tenant != NOISY]
    firsts = [r.first_token_at - r.sent_at for r in victims if r.first_token_at is not None]
    firsts += [
        (seconds if r.first_token_at is None else r.first_token_at) - r.sent_at for r in late
    ]
    wholes = [(r.ended_at or 0) - r.sent_at for r in victims]
    return {
        "requests": len(ended),
        "requests_without_usage": len(ended) - len(usages),
        "requests_per_s": len(ended) / (seconds - warm_s),
        "input_tokens": inputs,
        "cached_tokens": cached,
        "cached_share": cached / inputs if inputs else 0.0,
        "service_tokens_per_s": sum(service.values()) / (seconds - warm_s),
        "computed_tokens": inputs - cached,
        "jain_service": jain(list(service.values())),
        "jain_units": jain(list(units.values())),
        "service_by_tenant": service,
        "victims_ttft_p50_s": quantile(firsts, 0.5),
        "victims_ttft_p99_s": quantile(firsts, 0.99),
        "victims_whole_p50_s": quantile(wholes, 0.5),
        "victims_whole_p99_s": quantile([*wholes, *(seconds - r.sent_at for r in late)], 0.99),
    }


def jain(values: Sequence[float]) -> float:
    """1: all alike; one over their number: one has everything. Those with nothing count."""
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 1.0


def quantile(values: Sequence[float], share: float) -> float | None:
    """The nearest rank; None where there is nothing."""
    if not values:
        return None
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]
