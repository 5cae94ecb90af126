"""From what was seen to figures, without a clock."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean, median
from typing import Any

import numpy as np

from bench.gpu_transformers.seen import Played, Record, Step
from evenhand.sim.measures.entitlement import due
from evenhand.sim.measures.jain import jain

LONGEST_REQUESTS = 10


def quantile(values: Sequence[float], part: float) -> float | None:
    """The nearest-rank order statistic; None of nothing."""
    ordered = sorted(values)
    return ordered[max(math.ceil(part * len(ordered)), 1) - 1] if ordered else None


def answering(played: Played, tenant: str, *, since_s: float = 0.0) -> dict[str, Any]:
    """How one tenant's requests were answered. One that had no token when the run ended has waited so
    long at least, and counts with that if half of the others had theirs sooner. `first_token_steps`:
    in how many of the engine's steps the wait fell; whoever is never kept waiting has two, the one
    that runs when it comes and its own."""
    records = [r for r in played.records if r.tenant == tenant and r.sent_s >= since_s]
    heard = [r.token_s[0] - r.sent_s for r in records if r.token_s]
    middle = quantile(heard, 0.5) or 0.0
    unheard = [played.seconds - r.sent_s for r in records if not r.token_s]
    waits = [*heard, *(wait for wait in unheard if wait > middle)]
    gaps = [
        b - a
        for r in played.records
        if r.tenant == tenant
        for a, b in pairwise(r.token_s)
        if b >= since_s
    ]
    ends = [step.begin_s + step.ms / 1e3 for step in played.steps]
    begins = [step.begin_s for step in played.steps]
    steps = [
        bisect_left(begins, r.token_s[0]) - bisect_right(ends, r.sent_s)
        for r in records
        if r.token_s
    ]
    return {
        "requests": len(records),
        "still_waiting": len(unheard),
        "first_token_steps_p50": quantile(steps, 0.5),
        "first_token_steps_max": max(steps, default=None),
        "first_token_p50_s": quantile(waits, 0.5),
        "first_token_p99_s": quantile(waits, 0.99),
        "between_tokens_p50_s": quantile(gaps, 0.5),
        "between_tokens_p99_s": quantile(gaps, 0.99),
    }


def served(played: Played, *, since_s: float = 1.0) -> dict[str, Any]:
    """How much was computed, and how long each tenant went without while it had requests open."""
    steps = [step for step in played.steps if step.begin_s >= since_s]
    lasted = played.seconds - since_s
    return {
        "tokens_per_s": sum(step.tokens for step in steps) / lasted,
        "steps": len(steps),
        "step_p50_ms": quantile([step.ms for step in steps], 0.5),
        "step_p99_ms": quantile([step.ms for step in steps], 0.99),
        "longest_gap_s": {
            tenant: _longest_gap(played, tenant) for tenant in _tenants(played.records)
        },
    }


def fairness(played: Played, *, since_s: float = 1.0) -> dict[str, Any]:
    """Between tenants with full queues, from when the queues were full."""
    tenants = _tenants(played.records)
    steps = [step for step in played.steps if step.begin_s >= since_s]
    seconds = int(played.seconds - since_s)
    by_second = np.zeros((len(tenants), seconds))
    for step in steps:
        if (second := int(step.begin_s - since_s)) < seconds:
            for row, tenant in enumerate(tenants):
                by_second[row, second] += step.units.get(tenant, 0)
    jains = [found for second in by_second.T if (found := jain(second)) is not None]
    ratios = _over_due(played, tenants, steps, since_s)
    return {
        "jain_1s": fmean(jains) if jains else None,
        "jain_1s_min": min(jains, default=None),
        "windows": len(ratios),
        "over_due_min": min((min(window.values()) for window in ratios), default=None),
        "share": {
            tenant: sum(s.units.get(tenant, 0) for s in steps)
            / max(1, sum(sum(s.units.values()) for s in steps))
            for tenant in tenants
        },
    }


def _over_due(
    played: Played, tenants: Sequence[str], steps: Sequence[Step], since_s: float
) -> list[dict[str, float]]:
    """In windows in which all together were given ten of the longest requests each: what each received
    over what it was due, the max-min division of all that was given out."""
    longest = max(record.units_asked for record in played.records)
    edges, received, sums = [since_s], [], np.zeros(len(tenants))
    for step in steps:
        sums = sums + [step.units.get(tenant, 0) for tenant in tenants]
        if sums.sum() >= longest * LONGEST_REQUESTS * len(tenants):
            edges.append(step.begin_s)
            received.append(sums)
            sums = np.zeros(len(tenants))
    if not received:
        return []
    asked = np.zeros((len(tenants), len(received)))
    for record in played.records:
        column = max(0, sum(edge <= record.sent_s for edge in edges) - 1)
        if column < len(received):
            asked[tenants.index(record.tenant), column] += record.units_asked
    given = np.array(received).T
    owed = due(given, asked, np.ones(len(tenants)))
    return [
        {
            tenant: float(given[row, column] / owed[row, column])
            for row, tenant in enumerate(tenants)
            if owed[row, column]
        }
        for column in range(len(received))
    ]


def _longest_gap(played: Played, tenant: str) -> float:
    """The longest time in which a tenant that had a request open was served nothing."""
    ends = [
        (r.sent_s, r.token_s[-1] if len(r.token_s) == r.answer else played.seconds)
        for r in played.records
        if r.tenant == tenant
    ]
    at = [step.begin_s + step.ms / 1e3 for step in played.steps if tenant in step.units]
    longest = 0.0
    for before, after in pairwise([0.0, *at, played.seconds]):
        opened = [max(before, sent) for sent, ended in ends if sent < after and ended > before]
        if opened:
            longest = max(longest, after - min(opened))
    return longest


def _tenants(records: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(record.tenant for record in records))


def summary(runs: Sequence[Mapping[str, Any]], settings: Sequence[str]) -> dict[str, Any]:
    """The figures that are promised, of medians over the rounds."""

    def of(scene: str, setting: str, *path: str) -> float | None:
        found: list[float] = []
        for run in runs:
            if (run["scene"], run["setting"]) == (scene, setting):
                value: Any = run
                for name in path:
                    value = None if value is None else value.get(name)
                found += [] if value is None else [value]
        return median(found) if found else None

    def over(above: float | None, below: float | None) -> float | None:
        return None if above is None or not below else round(above / below, 3)

    chat, chats = ("flood", "chat"), ("long", "chats")
    told: dict[str, Any] = {}
    for name in settings:
        told[name] = {
            "first_token_p50_over_alone": over(
                of(chat[0], name, "chat", "first_token_p50_s"),
                of(chat[0], "alone", "chat", "first_token_p50_s"),
            ),
            "first_token_p99_s": of(chat[0], name, "chat", "first_token_p99_s"),
            "first_token_steps_p50": of(chat[0], name, "chat", "first_token_steps_p50"),
            "first_token_steps_max": of(chat[0], name, "chat", "first_token_steps_max"),
            "step_p50_over_alone": over(
                of(chat[0], name, "step_p50_ms"), of(chat[0], "alone", "step_p50_ms")
            ),
            "between_tokens_p99_s": of(chat[0], name, "chat", "between_tokens_p99_s"),
            "step_p50_ms": of(chat[0], name, "step_p50_ms"),
            "tokens_per_s_over_fifo": over(
                of(chat[0], name, "tokens_per_s"), of(chat[0], "fifo", "tokens_per_s")
            ),
            "noisy_longest_gap_s": of(chat[0], name, "longest_gap_s", "noisy"),
            "beside_long_between_tokens_p99_over_alone": over(
                of(chats[0], name, "chats", "between_tokens_p99_s"),
                of(chats[0], "alone", "chats", "between_tokens_p99_s"),
            ),
            "long_first_token_s": of(chats[0], name, "long", "first_token_p50_s"),
            "queues_jain_1s": of("queues", name, "jain_1s"),
            "queues_over_due_min": of("queues", name, "over_due_min"),
            "queues_few_longest_gap_s": of("queues", name, "longest_gap_s", "few"),
            "queues_tokens_per_s_over_fifo": over(
                of("queues", name, "tokens_per_s"), of("queues", "fifo", "tokens_per_s")
            ),
        }
    return told
