"""The suites of the VTC paper as workloads with dials."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from evenhand.scheduling import TenantShare
from evenhand.workloads.ask import Ask
from evenhand.workloads.dials import SECONDS_MAX, number
from evenhand.workloads.vtc.suites import SUITES, Suite
from evenhand.workloads.workload import Dial, DialValue, Workload, WorkloadRecipe

_RATE = Dial(
    name="rate", meaning="factor of the published rates", default=1.0, least=0.001, most=1000
)


def vtc_recipes() -> list[WorkloadRecipe]:
    """One for each suite, in the order of the paper."""
    return [_recipe(suite) for suite in SUITES]


def _recipe(suite: Suite) -> WorkloadRecipe:
    origin = f"arXiv 2401.00588, {suite.figure}" if suite.figure else "artifact of arXiv 2401.00588"
    if suite.name == "real":
        origin += "; drawn to resemble the trace of its artifact"
    return WorkloadRecipe(
        name=f"vtc/{suite.name}",
        summary=suite.summary,
        source=origin,
        build=partial(_build, suite),
        dials=(
            Dial(
                name="seconds",
                meaning="how long clients send",
                default=float(suite.seconds),
                least=1,
                most=SECONDS_MAX,
            ),
            _RATE,
        ),
    )


def _build(suite: Suite, seed: int, values: Mapping[str, DialValue]) -> Workload:
    # The artifact's own kind of generator: with its seed, 42, its own arrivals come out.
    draws = np.random.RandomState(seed)
    rates = [rate * number(values, "rate") for rate in suite.rates]
    rows = suite.arrive(draws, suite.lengths, rates, number(values, "seconds"))
    rows.sort(key=lambda row: row.at_s)
    names = [f"client-{client}" for client in range(len(rates))]
    asks = tuple(
        Ask(
            id=number,
            at_ms=1000 * row.at_s,
            tenant=(names[row.client],),
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
        )
        for number, row in enumerate(rows)
    )
    weights = suite.weights or (1,) * len(names)
    return Workload(
        name=f"vtc/{suite.name}",
        tenants=tuple(map(_tenant, names, weights)),
        asks=asks,
        size=len(asks),
    )


def _tenant(name: str, weight: int) -> TenantShare:
    return TenantShare(name=name, weight=weight)
