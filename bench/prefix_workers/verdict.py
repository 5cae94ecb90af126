"""The targets, judged in each repetition by the figures of the same repetition, and by their medians."""

import statistics
from collections.abc import Sequence
from typing import Any

Round = dict[str, dict[str, Any]]
"""Figures by arm."""

CACHED_SHARE_MIN = 0.9
JAIN_MIN = 0.95


def verdict(rounds: Sequence[Round]) -> dict[str, Any]:
    """D2LPM against the others; medians over the repetitions."""
    cached = [r["d2lpm"]["cached_share"] / r["cache-aware"]["cached_share"] for r in rounds]
    told = {"cached_share_over_cache_aware": _judged(cached, at_least=CACHED_SHARE_MIN)}
    for name in ("jain_units", "jain_service"):
        even = [r["d2lpm"][name] / r["vtc"][name] for r in rounds]
        told[f"{name}_over_vtc"] = _judged(even, at_least=JAIN_MIN)
    for other in ("vtc", "cache-aware", "round-robin"):
        for name in ("victims_ttft_p50_s", "victims_ttft_p99_s", "victims_whole_p99_s"):
            ratios = [r["d2lpm"][name] / r[other][name] for r in rounds]
            told[f"{name}_over_{other}"] = _judged(ratios, at_most=1.0)
    return told


def _judged(
    ratios: Sequence[float], *, at_least: float = 0.0, at_most: float = float("inf")
) -> dict[str, Any]:
    middle = statistics.median(ratios)
    target = {"at_least": at_least} if at_least else {"at_most": at_most}
    return {
        "median": middle,
        "repetitions": list(ratios),
        **target,
        "is_met": at_least <= middle <= at_most,
    }
