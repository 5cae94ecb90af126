"""One run of the platform under one policy on one engine."""

from dataclasses import dataclass

import numpy as np

from evenhand.scheduling import compose, tenant_paths
from evenhand.sim.fleet import run_at_gateway
from evenhand.sim.measures.columns import columns
from evenhand.sim.papers.fairserve.figures import (
    PlatformFigures,
    platform_figures,
    users_in_share,
)
from evenhand.sim.profile import load_profile
from evenhand.workloads.catalog import recipe_named

ENGINE = "a100-llama-2-7b"
WORKLOAD = "fairserve/platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRun:
    """Which: `per_s` requests a second come for `seconds`. `units_per_s` the engine can do, None: it is
    not asked for. Prints as what it is."""

    preset: str
    seed: int
    per_s: float
    seconds: float
    units_per_s: float | None = None
    settings: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        return f"{self.preset}, seed {self.seed}, {self.per_s:.1f} requests/s"


def run(spec: PlatformRun) -> PlatformFigures:
    """Its figures; without `units_per_s` everybody counts as within its share."""
    dials = {"requests": round(spec.per_s * spec.seconds), "seconds": spec.seconds}
    traffic = recipe_named(WORKLOAD).make(spec.seed, dials)
    policy = compose(spec.preset, settings=dict(spec.settings))
    record = run_at_gateway(traffic, policy, load_profile(ENGINE), engines=1)
    table = columns(record, list(tenant_paths(traffic.tenants)))
    in_share = np.ones(len(traffic.tenants), dtype=bool)
    if spec.units_per_s is not None:
        in_share = users_in_share(table, spec.units_per_s, spec.seconds)
    return platform_figures(table, in_share, spec.seconds)
