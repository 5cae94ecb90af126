"""From rounds to figures: medians, ratios of one round's figures, goals."""

import statistics
from dataclasses import dataclass
from typing import Any

from bench.rounds import Rounds
from bench.scheduling import BARE_HEAP, PREFIX_INDEX, VTC
from bench.simulator import ENGINE, FLEET


@dataclass(frozen=True, slots=True)
class Goal:
    """At most so many times what another arm needs in the same row or in another, or at most so many of
    the row's own units."""

    row: str
    arm: str
    at_most: float
    to: str | None = "nginx"
    to_row: str | None = None


_OURS = ("gateway", "gateway+ledger")
_COMPARED = ("nginx", "gateway", BARE_HEAP, VTC, ENGINE)
GOALS = (
    *(Goal("request_2k_cpu_us", arm, 3.5) for arm in _OURS),
    *(Goal("request_32k_cpu_us", arm, 3.0) for arm in _OURS),
    *(Goal("chunk_few_streams_cpu_us", arm, 1.8) for arm in _OURS),
    *(Goal("chunk_many_streams_cpu_us", arm, 1.5) for arm in _OURS),
    *(Goal("first_token_p50_us", arm, 1.6) for arm in _OURS),
    *(Goal("left_mid_stream_p50_us", arm, 5000, to=None) for arm in _OURS),
    *(Goal("left_before_first_byte_p50_us", arm, 5000, to=None) for arm in _OURS),
    Goal("request_2k_cpu_us", "gateway+ledger", 1.15, to="gateway"),
    Goal("decision_few_tenants_us", VTC, 10, to=BARE_HEAP),
    Goal("decision_many_tenants_us", VTC, 5, to=VTC, to_row="decision_few_tenants_us"),
    Goal("decision_tree_us", VTC, 3, to=VTC, to_row="decision_flat_us"),
    Goal("decision_few_waiting_us", "dlpm", 100, to=None),
    # Four times as many: 4 is linear, 16 is quadratic.
    Goal("decision_many_waiting_us", "dlpm", 6, to="dlpm", to_row="decision_few_waiting_us"),
    Goal("prefix_match_us", PREFIX_INDEX, 10, to=None),
    Goal("idle_tenant_bytes", VTC, 2048, to=None),
    # A million in 120 s, at these loads in 180 s.
    Goal("simulated_day_us", FLEET, 120, to=None),
    Goal("simulated_load_us", FLEET, 180, to=None),
    Goal("simulated_overload_us", FLEET, 180, to=None),
)


def report(
    rounds: Rounds, sizes: dict[str, float], skipped: dict[str, str], machine: str
) -> dict[str, Any]:
    """All that was found, as JSON. `sizes` are those that the words for rows name."""
    names = list(dict.fromkeys(row for turns in rounds.values() for row in turns[0]))
    return {
        "machine": machine,
        "sizes": sizes,
        "skipped": skipped,
        "rows": {row: _row(rounds, row) for row in names},
        "goals": [judged for goal in GOALS if (judged := _judged(goal, rounds)) is not None],
    }


def ratio(rounds: Rounds, row: str, arm: str, to: str, to_row: str | None = None) -> float | None:
    """The median over the rounds of that arm's figure over the other's; None where one has none. On a
    machine so busy that a process did not run at all in a short round, its figure is 0, and none."""
    below = row if to_row is None else to_row
    pairs = zip(rounds.get(arm, []), rounds.get(to, []), strict=False)
    ratios = [mine[row] / other[below] for mine, other in pairs if row in mine and other.get(below)]
    return statistics.median(ratios) if ratios else None


def _row(rounds: Rounds, row: str) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for arm, turns in rounds.items():
        if row in turns[0]:
            values = [turn[row] for turn in turns]
            cells[arm] = {"median": statistics.median(values), "rounds": values}
            for other in _COMPARED:
                cells[arm][f"to_{other.replace(' ', '_')}"] = ratio(rounds, row, arm, other)
    return cells


def _judged(goal: Goal, rounds: Rounds) -> dict[str, Any] | None:
    if goal.to is not None:
        found = ratio(rounds, goal.row, goal.arm, goal.to, goal.to_row)
        unit = f"x {goal.to}"
    else:
        values = [turn[goal.row] for turn in rounds.get(goal.arm, []) if goal.row in turn]
        found = statistics.median(values) if values else None
        unit = goal.row.rpartition("_")[2]
    if found is None:
        return None
    return {
        "row": goal.row,
        "arm": goal.arm,
        "at_most": goal.at_most,
        "unit": unit,
        "to_row": goal.to_row,
        "found": found,
        "is_met": found <= goal.at_most,
    }
