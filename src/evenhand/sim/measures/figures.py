"""All figures of one run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evenhand.scheduling import TenantShare, tenant_paths
from evenhand.sim.measures.active import Interval, active_in, interval_of
from evenhand.sim.measures.columns import Columns, Flags, Floats, Integers, columns, summed
from evenhand.sim.measures.interactions import InteractionFigures, interactions
from evenhand.sim.measures.jain import jain
from evenhand.sim.measures.over_time import OverTime, over_time
from evenhand.sim.measures.service_difference import ServiceDifference
from evenhand.sim.measures.service_difference_by_share import (
    ServedByShare,
    service_difference_by_share,
    ticks,
)
from evenhand.sim.measures.shares import promised_shares
from evenhand.sim.measures.spread import within
from evenhand.sim.measures.waits import waits
from evenhand.sim.run_record import Fate, RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantFigures:
    """Of one tenant; docs/simulating.md has the meaning of each. A figure is None where there is nothing
    to take it from. `requests` are all that the workload has for it; each is completed, refused, left
    (its client went), failed (its engine did) or never sent (a call before it was not answered)."""

    requests: int
    completed: int
    refused: int
    ttft_mean_s: float | None
    ttft_p50_s: float | None
    ttft_p90_s: float | None
    ttft_p99_s: float | None
    latency_p50_s: float | None
    latency_p99_s: float | None
    service: int
    """Weighted tokens: input, cached or not, and twice the output."""
    share_promised: float
    share_received: float | None
    """Of the service of all, in the interval in which shares are measured."""
    behind_s: float | None
    """How much later its work came, on average, than a fair fluid server would have done it."""
    wasted_tokens: int
    left: int
    failed: int
    never_sent: int
    demand: int
    """Weighted tokens that its requests ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedShare:
    """Parts of 1: users (tenants) none of whose requests was refused, and interactions none of whose
    calls was. The seed paper's user serving experience. None where there is nobody."""

    users: float | None
    interactions: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """Of one run; docs/simulating.md has the meaning of each."""

    makespan_s: float
    tokens_per_s: float | None
    requests: int
    refused: int
    hit_rate: float | None
    jain_all_active: float | None
    service_difference: ServiceDifference | None
    tenants: Mapping[str, TenantFigures]
    interactions: InteractionFigures
    served_share: ServedShare
    completed: int
    ttft_p50_s: float | None
    ttft_p99_s: float | None
    service_per_s: float | None
    """Weighted tokens."""
    measured: Interval | None
    """Where shares and the Jain index are taken."""


def figures(record: RunRecord, tenants: Sequence[TenantShare]) -> RunFigures:
    """Measure a run. The record must not grow meanwhile."""
    run = columns(record, list(tenant_paths(tenants)))
    shares = shares_of(run, tenants)
    return figures_of(run, shares, over_time(run, shares))


def shares_of(run: Columns, tenants: Sequence[TenantShare]) -> Floats:
    """What each leaf is promised, 0 for those without a row."""
    return promised_shares(
        tenants, {run.tenants[place] for place in np.unique(run.tenant).tolist()}
    )


def figures_of(run: Columns, shares: Floats, curves: OverTime | None) -> RunFigures:
    """The same from what others need too."""
    sent, refused, served = run.is_sent, run.is_refused, run.is_served
    measured = interval_of(run)
    received = _received(run, measured)
    makespan_s = float(run.ended_s[sent].max() - run.arrived_s[sent].min()) if sent.any() else 0.0
    tokens = int((run.input_tokens + run.output_tokens)[served].sum())
    ttft_s = (run.first_token_s - run.arrived_s)[served]
    begun = sent & (run.started_s >= 0)
    grouped = interactions(run)
    asks, is_spared = shares > 0, ~_any(run, refused)
    return RunFigures(
        makespan_s=makespan_s,
        tokens_per_s=_ratio(tokens, makespan_s),
        requests=len(run.tenant),
        refused=int(refused.sum()),
        hit_rate=_ratio(int(run.cached_tokens[begun].sum()), int(run.input_tokens[begun].sum())),
        jain_all_active=_jain(received, shares, active_in(run, measured)),
        service_difference=_service_difference(run, shares),
        tenants=_of_tenants(
            run,
            {
                "share_promised": shares,
                "share_received": _parts(received),
                "behind_s": _behind(curves, len(shares)),
                "wasted_tokens": _whole(summed(run.tenant, grouped.wasted(run), len(shares))),
            },
        ),
        interactions=grouped.figures(run),
        served_share=ServedShare(
            users=_ratio(int((is_spared & asks).sum()), int(asks.sum())),
            interactions=_ratio(len(grouped) - int(grouped.is_throttled.sum()), len(grouped)),
        ),
        completed=int(run.is_completed.sum()),
        ttft_p50_s=_quantile(ttft_s, 0.5),
        ttft_p99_s=_quantile(ttft_s, 0.99),
        service_per_s=_ratio(float(run.service.sum()), makespan_s),
        measured=measured,
    )


def _received(run: Columns, measured: Interval | None) -> Floats:
    """Weighted tokens of each tenant in the interval."""
    if measured is None:
        return np.zeros(len(run.tenants))
    part = within(run.first_token_s, run.ended_s, measured.from_s, measured.to_s)
    return summed(run.tenant, run.service * part, len(run.tenants))


def _jain(received: Floats, shares: Floats, compared: Flags) -> float | None:
    return jain(received[compared] / shares[compared])


def _service_difference(run: Columns, shares: Floats) -> ServiceDifference | None:
    sent, asks = run.is_sent, shares > 0
    if not sent.any():
        return None
    arrived_s = run.arrived_s[sent]
    grid = ticks(float(arrived_s.min()), float(arrived_s.max()))
    if grid is None:
        return None
    place = np.cumsum(asks) - 1
    served = ServedByShare(
        tenant=place[run.tenant[sent]],
        arrived_s=arrived_s,
        first_token_s=run.first_token_s[sent],
        ended_s=run.ended_s[sent],
        service=run.service[sent],
        demand=run.demand[sent],
        shares=shares[asks],
    )
    return service_difference_by_share(served, grid)


def _behind(curves: OverTime | None, count: int) -> Floats:
    return np.full(count, np.nan) if curves is None else curves.behind_s()


def _of_tenants(
    run: Columns, shares_and_waste: Mapping[str, Floats | Integers]
) -> dict[str, TenantFigures]:
    count = len(run.tenants)
    served, completed = run.is_served, run.is_completed
    ttft = waits((run.first_token_s - run.arrived_s)[served], run.tenant[served], count)
    latency = waits((run.ended_s - run.arrived_s)[completed], run.tenant[completed], count)
    of_tenant = {
        "requests": np.bincount(run.tenant, minlength=count),
        "completed": _count(run, completed),
        "refused": _count(run, run.is_refused),
        "ttft_mean_s": ttft.mean(),
        "ttft_p50_s": ttft.quantile(0.5),
        "ttft_p90_s": ttft.quantile(0.9),
        "ttft_p99_s": ttft.quantile(0.99),
        "latency_p50_s": latency.quantile(0.5),
        "latency_p99_s": latency.quantile(0.99),
        "service": _whole(summed(run.tenant, run.service, count)),
        "left": _count(run, run.fate == Fate.LEFT),
        "failed": _count(run, run.fate == Fate.FAILED),
        "never_sent": _count(run, ~run.is_sent),
        "demand": _whole(summed(run.tenant, run.demand, count)),
        **shares_and_waste,
    }
    lists = {name: _plain(values) for name, values in of_tenant.items()}
    return {
        "/".join(path): TenantFigures(**{name: values[i] for name, values in lists.items()})
        for i, path in enumerate(run.tenants)
    }


def _parts(amounts: Floats) -> Floats:
    """Of their sum; NaN if that is 0."""
    return amounts / (float(amounts.sum()) or np.nan)


def _quantile(values: Floats, part: float) -> float | None:
    return float(np.quantile(values, part)) if len(values) else None


def _count(run: Columns, flags: Flags) -> Integers:
    return np.bincount(run.tenant[flags], minlength=len(run.tenants))


def _any(run: Columns, flags: Flags) -> Flags:
    return np.bincount(run.tenant[flags], minlength=len(run.tenants)) > 0


def _whole(values: Floats) -> Integers:
    return np.rint(values).astype(np.int64)


def _plain(values: Floats | Integers) -> list[Any]:
    """Numbers of Python; None where there is none."""
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124 - NaN


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
