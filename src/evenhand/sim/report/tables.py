"""The tables of a page: the policies side by side, and every tenant."""

from collections.abc import Callable, Iterable, Mapping

from evenhand.sim.measures.figures import RunFigures, TenantFigures
from evenhand.sim.report.blocks import Block, Column, Shown, Table, Words
from evenhand.sim.report.forms import count, duration, index, percent

ROWS_MAX = 3_000
_NOTABLE = 0.01
"""A difference between policies below this part is not marked."""

_POLICIES: tuple[
    tuple[str, str, Callable[[RunFigures], float | None], Callable[..., str], int], ...
] = (
    ("took", "From the first request to the last answer", lambda r: r.makespan_s, duration, -1),
    ("tokens/s", "Input and output over that time", lambda r: r.tokens_per_s, count, 1),
    ("answered", "Of all requests", lambda r: r.completed / (r.requests or 1), percent, 1),
    ("refused", "Requests turned away", lambda r: r.refused, count, -1),
    ("hit rate", "Part of the input found in prefix caches", lambda r: r.hit_rate, percent, 1),
    (
        "Jain",
        "Service over promised share while all tenants are active; 1 is even",
        lambda r: r.jain_all_active,
        index,
        1,
    ),
    (
        "difference",
        "Mean service difference (VTC's metric), weighted tokens per second",
        lambda r: r.service_difference.mean if r.service_difference else None,
        count,
        -1,
    ),
    (
        "TTFT p50",
        "Half of all waited less for the first token",
        lambda r: r.ttft_p50_s,
        duration,
        -1,
    ),
    (
        "TTFT p99",
        "99 % of all waited less for the first token",
        lambda r: r.ttft_p99_s,
        duration,
        -1,
    ),
    (
        "wasted tokens",
        "Computed for interactions that were not completed",
        lambda r: r.interactions.wasted_tokens,
        count,
        -1,
    ),
)
_TENANTS: tuple[
    tuple[str, str, Callable[[TenantFigures], float | None], Callable[..., str]], ...
] = (
    ("requests", "All that the workload has for it", lambda t: t.requests, count),
    ("answered", "Of these", lambda t: t.completed / (t.requests or 1), percent),
    ("refused", "Turned away", lambda t: t.refused, count),
    ("promised", "Its share among the tenants that ask", lambda t: t.share_promised, percent),
    ("got", "Of the service while all are active", lambda t: t.share_received, percent),
    ("behind", "How much later than with a fair server", lambda t: t.behind_s, duration),
    ("TTFT mean", "Wait for the first token", lambda t: t.ttft_mean_s, duration),
    ("TTFT p50", "Half of its requests waited less", lambda t: t.ttft_p50_s, duration),
    ("TTFT p99", "99 % of its requests waited less", lambda t: t.ttft_p99_s, duration),
    ("latency p50", "Until the whole answer", lambda t: t.latency_p50_s, duration),
    ("latency p99", "Until the whole answer", lambda t: t.latency_p99_s, duration),
    ("service", "Weighted tokens", lambda t: t.service, count),
    ("wasted", "Tokens computed in vain", lambda t: t.wasted_tokens, count),
)


def of_policies(runs: Mapping[str, RunFigures]) -> Table:
    """A row for each; the best of a column is marked where they differ."""
    columns = [Column(title="policy", is_number=False)]
    columns += [Column(title=title, hint=hint) for title, hint, *_ in _POLICIES]
    best = [
        _best((figure(run) for run in runs.values()), side) for *_, figure, _, side in _POLICIES
    ]
    rows = []
    for label, run in runs.items():
        cells = [Shown(label, label, "strong")]
        for (_, _, figure, form, _), top in zip(_POLICIES, best, strict=True):
            value = figure(run)
            tone = "good" if top is not None and value == top else ""
            cells.append(Shown(form(value), value, tone))
        rows.append(cells)
    return Table(columns=columns, rows=rows, can_sort=len(runs) > 2)


def of_tenants(runs: Mapping[str, RunFigures]) -> list[Block]:
    """Rows that can be sorted and searched, a tenant under each policy."""
    tenants = next(iter(runs.values())).tenants
    asking = [name for name, figures in tenants.items() if figures.requests]
    largest = sorted(asking, key=lambda name: (-tenants[name].demand, name))
    kept = set(largest[: max(1, ROWS_MAX // len(runs))])
    columns = [Column(title="tenant", is_number=False)]
    if len(runs) > 1:
        columns.append(Column(title="policy", is_number=False))
    columns += [Column(title=title, hint=hint) for title, hint, *_ in _TENANTS]
    rows = [
        _of_tenant(name, label if len(runs) > 1 else "", run.tenants[name])
        for name in asking
        if name in kept
        for label, run in runs.items()
    ]
    more = len(asking) - len(kept)
    left = f" {more:,} tenants that ask for less are left out." if more else ""
    note = f"A click on a head sorts; rest the mouse on it for what it means.{left}"
    return [Words(note, is_note=True), Table(columns=columns, rows=rows, can_sort=True)]


def _of_tenant(name: str, label: str, figures: TenantFigures) -> list[Shown]:
    cells = [Shown(name, name, "strong")]
    if label:
        cells.append(Shown(label, label))
    for _, _, figure, form in _TENANTS:
        value = figure(figures)
        cells.append(Shown(form(value), value, "" if value else "quiet"))
    return cells


def _best(values: Iterable[float | None], side: int) -> float | None:
    """None if they hardly differ."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    low, high = min(known), max(known)
    if high - low <= _NOTABLE * abs(high):
        return None
    return high if side > 0 else low
