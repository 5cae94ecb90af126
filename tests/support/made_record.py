"""Records of runs that never were, row by row."""

from collections.abc import Iterable
from dataclasses import dataclass

from evenhand.sim.job import NEVER, Job
from evenhand.sim.run_record import Fate, RunRecord
from evenhand.workloads.ask import Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Instants in seconds. A first token at None: never; `started_s` None: when it arrived, if it ever
    got a token. `produced` None: all of it if completed, else nothing."""

    tenant: str = "a"
    arrived_s: float = 0.0
    first_s: float | None = None
    ended_s: float = 0.0
    input_tokens: int = 10
    output_tokens: int = 5
    produced: int | None = None
    cached_tokens: int = 0
    fate: Fate = Fate.COMPLETED
    interaction: str = ""
    call_index: int = 0
    started_s: float | None = None


def made_record(rows: Iterable[Row]) -> RunRecord:
    """In the order of the rows."""
    record = RunRecord()
    for number, row in enumerate(rows):
        ask = Ask(
            id=number,
            at_ms=row.arrived_s * 1000,
            tenant=tuple(row.tenant.split("/")),
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
            interaction=row.interaction,
            call_index=row.call_index,
        )
        job = Job(ask, row.arrived_s * 1000)
        job.ended_ms = row.ended_s * 1000
        if row.first_s is not None:
            job.first_token_ms = row.first_s * 1000
            job.started_ms = row.arrived_s * 1000
        if row.started_s is not None:
            job.started_ms = row.started_s * 1000
        job.cached_tokens = row.cached_tokens
        all_of_it = row.output_tokens if row.fate is Fate.COMPLETED else 0
        job.produced = all_of_it if row.produced is None else row.produced
        assert row.first_s is not None or job.first_token_ms == NEVER
        record.add(job, row.fate)
    return record
