"""One suite under one scheduler of the VTC artifact."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from evenhand.sim.golden.vtc_columns import Columns, Sent
from evenhand.sim.golden.vtc_comparison import RunComparison, compare
from evenhand.sim.golden.vtc_replay import replay
from evenhand.sim.golden.vtc_rows import MeasuredRun
from evenhand.sim.golden.vtc_setup import setup_of
from evenhand.sim.measures.service_difference import (
    ServiceDifference,
    accumulated_gap,
    service_difference,
)
from evenhand.workloads.catalog import recipe_named

SEED = 42
"""The artifact's: its own arrivals come out."""
GAP_EVERY_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteRun:
    """`suite` as in `evenhand workloads`, without `vtc/`. `scheduler` as the artifact's folders are
    called. `seconds` of sending, None: as published. `trace`: these requests instead of the suite's.
    `pool`: of the A100, None: the A10G. Prints as what it is."""

    suite: str
    scheduler: str
    seconds: float | None = None
    trace: Path | None = None
    pool: int | None = None

    def __str__(self) -> str:
        return f"{self.suite}, {self.scheduler}"


class SuiteFigures(NamedTuple):
    """`waits_s` of each client for the first token: mean and 90th percentile. `gap` is the greatest
    difference of service received between two clients, every 20 s from then on."""

    requests: int
    refused: int
    makespan_s: float
    tokens_per_s: float
    waits_s: dict[str, tuple[float, float]]
    difference: ServiceDifference
    gap: tuple[float, ...]


def run(spec: SuiteRun) -> SuiteFigures:
    """Replay it on the artifact's engine."""
    sent = _sent(spec)
    name = f"{spec.scheduler}/all_results_{spec.suite}"
    if spec.pool is not None:
        name = f"sec6.4/{spec.pool}/{spec.scheduler}"
    return figures(replay(sent, setup_of(name)), requests=len(sent.client))


def replayed(measured: MeasuredRun) -> RunComparison:
    """A measured run beside its replay."""
    return compare(measured, setup_of(measured.name))


def figures(columns: Columns, *, requests: int) -> SuiteFigures:
    """Of a run in which so many requests were sent."""
    served = columns.served()
    last_s = int(max(columns.sent_s))
    return SuiteFigures(
        requests=requests,
        refused=requests - len(columns.client),
        makespan_s=columns.makespan_s,
        tokens_per_s=columns.tokens / columns.makespan_s,
        waits_s={client: _mean_and_p90(waits) for client, waits in columns.waits_s().items()},
        difference=service_difference(served),
        gap=tuple(
            accumulated_gap(served, until_s)
            for until_s in range(GAP_EVERY_S, last_s + 1, GAP_EVERY_S)
        ),
    )


def _sent(spec: SuiteRun) -> Sent:
    if spec.trace is not None:
        return _trace(spec.trace)
    dials = {} if spec.seconds is None else {"seconds": spec.seconds}
    asks = list(recipe_named(f"vtc/{spec.suite}").make(SEED, dials).asks)
    return Sent(
        [ask.tenant[0].removeprefix("client-") for ask in asks],
        [ask.at_ms / 1000 for ask in asks],
        [ask.input_tokens for ask in asks],
        [ask.output_tokens for ask in asks],
    )


def _trace(path: Path) -> Sent:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return Sent(
        [row["client"] for row in rows],
        [float(row["t_s"]) for row in rows],
        [int(row["input_tokens"]) for row in rows],
        [int(row["output_tokens"]) for row in rows],
    )


def _mean_and_p90(waits_s: list[float]) -> tuple[float, float]:
    ordered = sorted(waits_s)
    return sum(ordered) / len(ordered), ordered[int(0.9 * (len(ordered) - 1))]
