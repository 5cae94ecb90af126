"""From repetitions to rows and verdicts. Waits are pooled; other ratios are of one repetition, and rows
have their medians."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.neighbour.arms import BOTH, DIRECT, FREE_SLOT, LANE, LANE_FREE, PLUG_IN, VTC
from bench.neighbour.figures import quantile
from bench.neighbour.rounds import Figures

Repetitions = Sequence[Mapping[str, Figures]]
DUE_MIN, GAP_S_MAX, TOKENS_MIN = 0.9, 2.0, 0.98


@dataclass(frozen=True, slots=True)
class Target:
    """What is wanted of a row's figure. `is_least`: at least so much, else at most."""

    figure: str
    arms: tuple[str, ...]
    bound: float
    is_least: bool = False


_OURS = (VTC, LANE, LANE_FREE, PLUG_IN, BOTH)
TARGETS = (
    Target("wait_over_release", (VTC,), 1.3),
    Target("ratio", (LANE, LANE_FREE), 4.0),
    Target("ratio", (PLUG_IN,), 2.5),
    Target("over_due_min", _OURS, DUE_MIN, is_least=True),
    Target("gap_s_max", _OURS, GAP_S_MAX),
    Target("tokens_over_direct", _OURS, TOKENS_MIN, is_least=True),
)


def rows(repetitions: Repetitions) -> dict[str, Figures]:
    """By arm, in the order of the first repetition."""
    arms = repetitions[0] if repetitions else {}
    return {arm: _row([each[arm] for each in repetitions], repetitions) for arm in arms}


def verdicts(engine: str, found: Mapping[str, Figures]) -> list[Figures]:
    """All targets that the arms of this engine can be held to."""
    return [
        {
            "engine": engine,
            "arm": arm,
            "figure": target.figure,
            "found": value,
            "at_least" if target.is_least else "at_most": target.bound,
            "is_met": value >= target.bound if target.is_least else value <= target.bound,
        }
        for target in TARGETS
        for arm in target.arms
        if (value := found.get(arm, {}).get(target.figure)) is not None
    ]


def _row(turns: Sequence[Figures], repetitions: Repetitions) -> Figures:
    """Waits are pooled over the repetitions, in milliseconds."""
    besides = [turn["beside"] for turn in turns]
    alone, beside = _waits(turns, "alone"), _waits(turns, "beside")
    freed = [each[FREE_SLOT] for each in repetitions if FREE_SLOT in each]
    tokens = [
        each["tokens_per_s"] / repetition[DIRECT]["beside"]["tokens_per_s"]
        for each, repetition in zip(besides, repetitions, strict=True)
        if DIRECT in repetition
    ]
    return {
        "alone_p50_ms": _ms(alone, 0.5),
        "beside_p50_ms": _ms(beside, 0.5),
        "beside_p99_ms": _ms(beside, 0.99),
        "waits": len(beside),
        "ratio": _over(beside, alone),
        "ratio_each": [_over(turn["beside"]["ttft_s"], turn["alone"]["ttft_s"]) for turn in turns],
        "fuller_batch_ratio": _over(_waits(freed, "beside"), _waits(freed, "alone"))
        if freed
        else None,
        "step_p99_ms": 1000 * statistics.median(each["step_p99_s"] for each in besides),
        "flood_step_p99_ms": 1000 * statistics.median(each["flood_step_p99_s"] for each in besides),
        "tokens_per_s": statistics.median(each["tokens_per_s"] for each in besides),
        "tokens_over_direct": statistics.median(tokens) if tokens else None,
        "tokens_over_direct_each": tokens,
        **_queueing(besides),
        **_evenness([turn["mixed"] for turn in turns if "mixed" in turn]),
        "cpu": {
            name: statistics.median(each["cpu"][name] for each in besides)
            for name in besides[0]["cpu"]
        },
    }


def _waits(turns: Sequence[Figures], scene: str) -> list[float]:
    return [wait for turn in turns for wait in turn[scene]["ttft_s"]]


def _over(beside: Sequence[float], alone: Sequence[float]) -> float | None:
    """Of the medians."""
    middle, quiet = quantile(beside, 0.5), quantile(alone, 0.5)
    return None if middle is None or not quiet else middle / quiet


def _queueing(besides: Sequence[Figures]) -> Figures:
    """What the gateway made the victim wait, over how long after its coming a slot came free: sums, for
    single pairs may differ by whose answer was told first."""
    releases = [wait for each in besides for wait in each["release_s"]]
    waits = [wait for each in besides for wait in each.get("queue_wait_s", ())]
    found: Figures = {"release_mean_ms": 1000 * statistics.fmean(releases) if releases else None}
    if waits and releases:
        found["queue_wait_mean_ms"] = 1000 * statistics.fmean(waits)
        found["wait_over_release"] = statistics.fmean(waits) / statistics.fmean(releases)
    return found


def _evenness(mixed: Sequence[Figures]) -> Figures:
    if not mixed:
        return {}
    parts = [part for each in mixed for window in each["over_due"] for part in window.values()]
    jains = [each["jain_1s"] for each in mixed if each["jain_1s"] is not None]
    return {
        "over_due_min": min(parts, default=None),
        "over_due_max": max(parts, default=None),
        "windows": sum(len(each["over_due"]) for each in mixed),
        "window_s": statistics.median(each["window_s"] for each in mixed),
        "jain_1s": statistics.fmean(jains) if jains else None,
        "gap_s_max": max(gap for each in mixed for gap in each["gap_s"].values()),
        "mixed_tokens_per_s": statistics.median(each["tokens_per_s"] for each in mixed),
    }


def _ms(waits_s: Sequence[float], part: float) -> float | None:
    found = quantile(waits_s, part)
    return None if found is None else 1000 * found


def rounded(value: Any) -> Any:
    """JSON without digits that mean nothing."""
    match value:
        case float():
            return float(f"{value:.4g}")
        case dict():
            return {name: rounded(member) for name, member in value.items()}
        case list() | tuple():
            return [rounded(member) for member in value]
        case _:
            return value
