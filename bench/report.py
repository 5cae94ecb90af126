"""From rounds to figures: medians, ratios of one round's figures, goals."""

import statistics
from dataclasses import dataclass
from typing import Any

from bench.measures import Sizes
from bench.rounds import Rounds


@dataclass(frozen=True, slots=True)
class Goal:
    """At most so many times what another arm needs, or at most so many microseconds."""

    row: str
    arm: str
    ratio_max: float | None = None
    ratio_to: str = "nginx"
    us_max: float | None = None


_OURS = ("gateway", "gateway+ledger")
GOALS = (
    *(Goal("request_2k_cpu_us", arm, ratio_max=3.5) for arm in _OURS),
    *(Goal("request_32k_cpu_us", arm, ratio_max=3.0) for arm in _OURS),
    *(Goal("chunk_few_streams_cpu_us", arm, ratio_max=1.8) for arm in _OURS),
    *(Goal("chunk_many_streams_cpu_us", arm, ratio_max=1.5) for arm in _OURS),
    *(Goal("first_token_p50_us", arm, ratio_max=1.6) for arm in _OURS),
    *(Goal("left_mid_stream_p50_us", arm, us_max=5000) for arm in _OURS),
    *(Goal("left_before_first_byte_p50_us", arm, us_max=5000) for arm in _OURS),
    Goal("request_2k_cpu_us", "gateway+ledger", ratio_max=1.15, ratio_to="gateway"),
)


def report(rounds: Rounds, sizes: Sizes, skipped: dict[str, str], machine: str) -> dict[str, Any]:
    """All that was found, as JSON."""
    names = list(dict.fromkeys(row for turns in rounds.values() for row in turns[0]))
    return {
        "machine": machine,
        "sizes": {name: getattr(sizes, name) for name in sizes.__slots__},
        "skipped": skipped,
        "rows": {row: _row(rounds, row) for row in names},
        "goals": [judged for goal in GOALS if (judged := _judged(goal, rounds)) is not None],
    }


def ratio(rounds: Rounds, row: str, arm: str, to: str) -> float | None:
    """The median over the rounds of that arm's figure over the other's; None where one has none."""
    pairs = zip(rounds.get(arm, []), rounds.get(to, []), strict=False)
    ratios = [mine[row] / other[row] for mine, other in pairs if row in mine and row in other]
    return statistics.median(ratios) if ratios else None


def _row(rounds: Rounds, row: str) -> dict[str, Any]:
    cells = {}
    for arm, turns in rounds.items():
        if row in turns[0]:
            values = [turn[row] for turn in turns]
            cells[arm] = {
                "median": statistics.median(values),
                "to_nginx": ratio(rounds, row, arm, "nginx"),
                "to_gateway": ratio(rounds, row, arm, "gateway"),
                "rounds": values,
            }
    return cells


def _judged(goal: Goal, rounds: Rounds) -> dict[str, Any] | None:
    if goal.ratio_max is not None:
        found = ratio(rounds, goal.row, goal.arm, goal.ratio_to)
        limit, unit = goal.ratio_max, f"x {goal.ratio_to}"
    else:
        values = [turn[goal.row] for turn in rounds.get(goal.arm, [])]
        found = statistics.median(values) if values else None
        limit, unit = goal.us_max or 0.0, "us"
    if found is None:
        return None
    return {
        "row": goal.row,
        "arm": goal.arm,
        "at_most": limit,
        "unit": unit,
        "found": found,
        "is_met": found <= limit,
    }
