"""One run of a DLPM workload under one policy on so many engines, and what it is measured by."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evenhand.scheduling import Policy, compose, tenant_paths
from evenhand.sim.fleet import at_gateway, in_engine
from evenhand.sim.measures.active import Interval, interval_of
from evenhand.sim.measures.columns import Columns, Floats, columns, summed
from evenhand.sim.measures.interactions import interactions
from evenhand.sim.measures.jain import jain
from evenhand.sim.measures.spread import within
from evenhand.sim.profile import load_profile
from evenhand.sim.settings import SimulationSettings
from evenhand.workloads.catalog import recipe_named

Dials = tuple[tuple[str, float | int | str], ...]
NO_AGE_LIMIT_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalityRun:
    """Which. `policy` is a preset, or a preset and a placement; `quantum` and `engine_quantum` go to
    whoever has them. `kv_tokens` of each engine, None: its profile's. Prints as what it is."""

    workload: str
    dials: Dials
    policy: str
    placement: str | None = None
    engine: str
    engines: int = 1
    kv_tokens: int | None = None
    quantum: int
    engine_quantum: int
    prefix_age_s: int = NO_AGE_LIMIT_S
    hears_evictions: bool = False
    is_inside: bool = False
    """The core sits inside the engine, of which there must be one, and not in a gateway."""
    seed: int

    def __str__(self) -> str:
        return f"{self.workload}, {self.policy}, {self.engines} engines, seed {self.seed}"

    def composed(self) -> Policy:
        """The policy with those of the settings that its parts have."""
        bare = compose(self.policy, placement=self.placement)
        wanted = {
            "quantum_tokens": self.quantum,
            "engine_quantum_tokens": self.engine_quantum,
            "prefix_age_s": self.prefix_age_s,
        }
        known = {parameter.name for parameter in bare.parameters()}
        settings = {name: value for name, value in wanted.items() if name in known}
        return compose(self.policy, placement=self.placement, settings=settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalityFigures:
    """`service_per_s` and `jain` while all clients are active, of input, cached too, and twice the
    output; clients that got nothing count. Latency is that of clients which behave, a mean over them:
    of whole programs from their first call to their last token, or to the first token where a program
    is one call."""

    service_per_s: float
    jain: float
    p50_s: float
    p99_s: float
    hit_rate: float
    makespan_s: float
    requests: int


def run(spec: LocalityRun) -> LocalityFigures:
    """Its figures; client 0 is the one that misbehaves."""
    traffic = recipe_named(spec.workload).make(spec.seed, dict(spec.dials))
    profile = load_profile(spec.engine)
    if spec.kv_tokens is not None:
        profile = profile.model_copy(update={"kv_tokens": spec.kv_tokens})
    settings = SimulationSettings(hears_evictions=spec.hears_evictions, charge_every_ms=250)
    policy = spec.composed()
    if spec.is_inside:
        fleet = in_engine(traffic, policy, profile, settings=settings)
    else:
        fleet = at_gateway(traffic, policy, profile, engines=spec.engines, settings=settings)
    record = fleet.run()
    return measured(columns(record, list(tenant_paths(traffic.tenants))))


def measured(run_columns: Columns) -> LocalityFigures:
    """All figures of a run."""
    interval = interval_of(run_columns)
    assert interval is not None
    received = _received(run_columns, interval)
    latencies = [_latency_s(run_columns, client) for client in range(1, len(run_columns.tenants))]
    return LocalityFigures(
        service_per_s=float(received.sum()) / interval.length_s,
        jain=jain(received) or 0.0,
        p50_s=float(np.mean([np.quantile(values, 0.5) for values in latencies])),
        p99_s=float(np.mean([np.quantile(values, 0.99) for values in latencies])),
        hit_rate=float(run_columns.cached_tokens.sum() / run_columns.input_tokens.sum()),
        makespan_s=float(run_columns.ended_s.max()),
        requests=len(run_columns.fate),
    )


def _received(run_columns: Columns, interval: Interval) -> Floats:
    spans = (run_columns.first_token_s, run_columns.ended_s)
    part = within(*spans, interval.from_s, interval.to_s)
    received = run_columns.service * part
    return np.asarray(summed(run_columns.tenant, received, len(run_columns.tenants)))


def _latency_s(run_columns: Columns, client: int) -> Floats:
    """Of each of its programs."""
    rows = run_columns.tenant == client
    if (run_columns.interaction < 0).all():
        return np.asarray((run_columns.first_token_s - run_columns.arrived_s)[rows])
    program = interactions(run_columns).of_row[rows]
    begun = np.full(program.max() + 1, np.inf)
    ended = np.zeros(program.max() + 1)
    np.minimum.at(begun, program, run_columns.arrived_s[rows])
    np.maximum.at(ended, program, run_columns.ended_s[rows])
    return np.asarray((ended - begun)[np.unique(program)])


def mean(figures: list[LocalityFigures], name: str) -> float:
    """Over the seeds."""
    return float(np.mean([getattr(one, name) for one in figures]))


Runs = Mapping[str, list[LocalityFigures]]
"""By policy, one for each seed."""
