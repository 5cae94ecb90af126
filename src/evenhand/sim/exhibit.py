"""All that is kept of one run for people to look at: figures, and curves of so many points at most."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evenhand.scheduling import TenantShare, tenant_paths
from evenhand.sim.measures.columns import Columns, Flags, Floats, columns, summed
from evenhand.sim.measures.figures import RunFigures, figures_of, shares_of
from evenhand.sim.measures.over_time import OverTime, over_time
from evenhand.sim.measures.waits import waits
from evenhand.sim.run_record import RunRecord
from evenhand.sim.series import Series

WINDOWS = 60
TENANTS_SHOWN_MAX = 12
QUANTILES = (*(step / 50 for step in range(50)), 0.99, 0.999, 1.0)

REST = "all others"


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantCurves:
    """Of one tenant, or of all that are not shown apart. Service in weighted tokens per second, a value
    for each window; `due` is what a fluid server would have given (`measures.entitlement`)."""

    service_per_s: list[float]
    due_per_s: list[float]
    ttft_s: list[float]
    """At each of `QUANTILES`; empty if it got no token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """`at_s` is the middle of each window; `jain` of service over what was due in it, None where nobody
    was due anything. `curves` holds the tenants that ask for most, and the rest as one."""

    figures: RunFigures
    series: Series
    at_s: list[float]
    jain: list[float | None]
    ttft_s: list[float]
    """Of all requests, at each of `QUANTILES`."""
    curves: dict[str, TenantCurves]


def exhibit(record: RunRecord, tenants: Sequence[TenantShare], series: Series) -> Exhibit:
    """Measure a run. The record must not grow meanwhile."""
    run = columns(record, list(tenant_paths(tenants)))
    shares = shares_of(run, tenants)
    fine = over_time(run, shares)
    found = figures_of(run, shares, fine)
    ttft_s = _quantiles(np.sort((run.first_token_s - run.arrived_s)[run.is_served]))
    if fine is None:
        return Exhibit(figures=found, series=series, at_s=[], jain=[], ttft_s=ttft_s, curves={})
    curves = fine.coarser(WINDOWS)
    return Exhibit(
        figures=found,
        series=series,
        at_s=curves.grid.middles_s.tolist(),
        jain=curves.jain(),
        ttft_s=ttft_s,
        curves=_of_tenants(run, curves),
    )


def _of_tenants(run: Columns, curves: OverTime) -> dict[str, TenantCurves]:
    demand = summed(run.tenant, run.demand, len(run.tenants))
    largest = np.argsort(-demand, kind="stable")[:TENANTS_SHOWN_MAX]
    apart = sorted(largest[demand[largest] > 0].tolist())
    is_rest = demand > 0
    is_rest[apart] = False
    number = np.full(len(run.tenants), len(apart))
    number[apart] = np.arange(len(apart))
    served = run.is_served
    wait_s = (run.first_token_s - run.arrived_s)[served]
    ttft = waits(wait_s, number[run.tenant[served]], len(apart) + 1)
    step_s = curves.grid.step_s

    def one(places: Flags | list[int], number: int) -> TenantCurves:
        return TenantCurves(
            service_per_s=(curves.received[places].sum(axis=0) / step_s).tolist(),
            due_per_s=(curves.due[places].sum(axis=0) / step_s).tolist(),
            ttft_s=_quantiles(ttft.of(number)),
        )

    found = {"/".join(run.tenants[place]): one([place], i) for i, place in enumerate(apart)}
    if is_rest.any():
        found[REST] = one(is_rest, len(apart))
    return found


def _quantiles(sorted_s: Floats) -> list[float]:
    return np.quantile(sorted_s, QUANTILES).tolist() if len(sorted_s) else []
