"""One run of the platform under one policy on one engine."""

from dataclasses import dataclass

import numpy as np

from evenhand.scheduling import compose, tenant_paths
from evenhand.sim.fleet import fleet_of
from evenhand.sim.measures.columns import columns
from evenhand.sim.papers.fairserve.figures import (
    PlatformFigures,
    content_users,
    platform_figures,
)
from evenhand.sim.profile import load_profile
from evenhand.workloads.catalog import recipe_named

ENGINE = "a100-llama-2-7b"
WORKLOAD = "fairserve/platform"


Settings = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRun:
    """Which: `per_s` requests a second come for `seconds`. `units_per_s` the engine can do, None: it is
    not asked for. Prints as what it is."""

    preset: str
    seed: int
    per_s: float
    seconds: float
    units_per_s: float | None = None
    settings: Settings = ()
    admission: str | None = None

    def __str__(self) -> str:
        return f"{self.preset}, seed {self.seed}, {self.per_s:.1f} requests/s"


def run(spec: PlatformRun) -> PlatformFigures:
    """Its figures; without `units_per_s` everybody counts as within its share."""
    dials = {"requests": round(spec.per_s * spec.seconds), "seconds": spec.seconds}
    traffic = recipe_named(WORKLOAD).make(spec.seed, dials)
    policy = compose(spec.preset, admission=spec.admission, settings=dict(spec.settings))
    record = fleet_of(traffic, policy, load_profile(ENGINE), engines=1).run()
    table = columns(record, list(tenant_paths(traffic.tenants)))
    in_share = np.ones(len(traffic.tenants), dtype=bool)
    content = in_share.copy()
    if spec.units_per_s is not None:
        part = spec.units_per_s * spec.seconds / float(table.demand.sum())
        expected = np.array([traffic.application_units[name] for name in record.applications])
        calls = table.demand / expected[np.asarray(record.application)]
        for amounts in (table.demand, calls):
            asked = np.bincount(table.tenant, weights=amounts, minlength=len(in_share))
            in_share &= asked <= part * asked.sum() / len(asked)
            content &= content_users(asked, part)
    return platform_figures(table, in_share, content, spec.seconds)
