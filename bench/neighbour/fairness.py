"""How evenly backlogged tenants were served: Jain's index over short windows, what each received over
what it was due in long ones, and the longest time in which one received nothing.

What is due is the max-min division of what all received, among what they asked for, equal shares
(`evenhand.sim.measures.entitlement`). A window of it lasts until all backlogged tenants together were
given ten of the longest requests each: shorter ones see single requests, and no
order that does not interrupt requests can do better.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

import numpy as np

from evenhand.cli.demo.entitlement import windows
from evenhand.cli.demo.record import Record
from evenhand.cli.demo.service import (
    credits_of,
    gap_max_s,
    tokens_per_character,
    units_asked,
)
from evenhand.sim.measures.entitlement import due

LONGEST_REQUESTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Fairness:
    """Of one scene. `over_due` holds, for each window, what each backlogged tenant received over what it
    was due; empty where the scene was shorter than a window."""

    jain_1s: float | None
    jain_1s_min: float | None
    window_s: float
    over_due: Sequence[Mapping[str, float]]
    gap_s: Mapping[str, float]


def fairness(
    records: Sequence[Record], *, backlogged: Sequence[str], since_s: float, seconds: float
) -> Fairness:
    """From `since_s` on, when all had filled their queues."""
    density = tokens_per_character(records)
    tenants = list(dict.fromkeys(record.tenant for record in records))
    of = {name: [r for r in records if r.tenant == name] for name in tenants}
    weights = dict.fromkeys(tenants, 1)
    all_windows = windows(of, weights, density=density, seconds=seconds)
    jains = [w.jain for w in all_windows[int(since_s) :] if w.jain is not None]
    longest = max(units_asked(record, density=density) for record in records)
    edges = _edges(records, density, longest * LONGEST_REQUESTS * len(backlogged), since_s, seconds)
    return Fairness(
        jain_1s=fmean(jains) if jains else None,
        jain_1s_min=min(jains, default=None),
        window_s=fmean(b - a for a, b in pairwise(edges)) if len(edges) > 1 else 0.0,
        over_due=_over_due(of, backlogged, density=density, edges=edges, seconds=seconds),
        gap_s={name: gap_max_s(of.get(name, []), seconds=seconds) for name in backlogged},
    )


def _edges(
    records: Sequence[Record], density: float, units: float, since_s: float, seconds: float
) -> list[float]:
    """Moments between which so many units were given out."""
    given = sorted(
        (credit.at_s, credit.units)
        for record in records
        for credit in credits_of(record, density=density, seconds=seconds)
        if credit.at_s >= since_s
    )
    edges, so_far = [since_s], 0.0
    for at_s, got in given:
        so_far += got
        if so_far >= units:
            edges.append(at_s)
            so_far = 0.0
    return edges


def _over_due(
    of: Mapping[str, Sequence[Record]],
    backlogged: Sequence[str],
    *,
    density: float,
    edges: Sequence[float],
    seconds: float,
) -> list[dict[str, float]]:
    received = np.zeros((len(of), len(edges) - 1))
    asked = np.zeros((len(of), len(edges) - 1))
    if len(edges) < 2:
        return []
    for row, records in enumerate(of.values()):
        for record in records:
            # What was asked before the first window is still claimed when that begins.
            column = max(bisect_right(edges, record.sent_at) - 1, 0)
            if column < asked.shape[1]:
                asked[row, column] += units_asked(record, density=density)
            for credit in credits_of(record, density=density, seconds=seconds):
                column = bisect_right(edges, credit.at_s, hi=len(edges)) - 1
                if credit.at_s < edges[0]:
                    asked[row, 0] -= credit.units
                elif credit.at_s <= edges[-1]:
                    received[row, min(column, received.shape[1] - 1)] += credit.units
    owed = due(received, np.maximum(asked, 0.0), np.ones(len(of)))
    names = list(of)
    return [
        {
            name: float(received[names.index(name), column] / owed[names.index(name), column])
            for name in backlogged
            if owed[names.index(name), column]
        }
        for column in range(received.shape[1])
    ]
