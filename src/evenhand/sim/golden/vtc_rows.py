"""Measured rows of the VTC artifact's experiments: one for each request of a run on a GPU."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from evenhand.sim.golden.vtc_columns import Columns, Sent

COLUMNS = (
    "run",
    "total_time_s",
    "t_s",
    "client",
    "input_tokens",
    "output_tokens",
    "ttft_s",
    "latency_s",
)
"""Those that are read; others may be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRun:
    """Columns of one run, in order of sending. `ttft_s` is below 0 for requests that were refused."""

    name: str
    total_time_s: float
    t_s: list[float] = field(default_factory=list)
    client: list[str] = field(default_factory=list)
    input_tokens: list[int] = field(default_factory=list)
    output_tokens: list[int] = field(default_factory=list)
    ttft_s: list[float] = field(default_factory=list)
    latency_s: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.t_s)

    def __str__(self) -> str:
        return self.name

    @property
    def sent(self) -> Sent:
        """What a replay needs."""
        return Sent(self.client, self.t_s, self.input_tokens, self.output_tokens)

    def columns(self) -> Columns:
        """What became of it."""
        kept = [i for i in range(len(self)) if self.ttft_s[i] >= 0]
        return Columns(
            [self.client[i] for i in kept],
            [self.t_s[i] for i in kept],
            [self.t_s[i] + self.ttft_s[i] for i in kept],
            [self.t_s[i] + self.latency_s[i] for i in kept],
            [self.input_tokens[i] for i in kept],
            [self.output_tokens[i] for i in kept],
        )


def read_runs(path: Path) -> list[MeasuredRun]:
    """All runs of a file (`.csv`, or `.csv.gz`), in its order. ValueError: a column is missing or a row
    cannot be read; the message names it."""
    runs: dict[str, MeasuredRun] = {}
    for number, row in _rows(path):
        name = row["run"]
        try:
            if name not in runs:
                runs[name] = MeasuredRun(name=name, total_time_s=float(row["total_time_s"]))
            _add(runs[name], row)
        except (TypeError, ValueError) as error:
            message = f"{path}, line {number}: {error}. Every row needs {', '.join(COLUMNS)}."
            raise ValueError(message) from error
    return [_sorted(run) for run in runs.values()]


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            message = f"{path} has no column {', '.join(missing)}. It needs {', '.join(COLUMNS)}."
            raise ValueError(message)
        for row in reader:
            yield reader.line_num, row


def _add(run: MeasuredRun, row: dict[str, str]) -> None:
    # All are read before any is added, so that a bad row leaves no half.
    numbers = [float(row[name]) for name in ("t_s", "ttft_s", "latency_s")]
    tokens = [int(row[name]) for name in ("input_tokens", "output_tokens")]
    if min(tokens) < 1 or numbers[0] < 0:
        raise ValueError("lengths are at least 1, times of sending at least 0")
    run.t_s.append(numbers[0])
    run.client.append(row["client"])
    run.input_tokens.append(tokens[0])
    run.output_tokens.append(tokens[1])
    run.ttft_s.append(numbers[1])
    run.latency_s.append(numbers[2])


def _sorted(run: MeasuredRun) -> MeasuredRun:
    order = sorted(range(len(run)), key=run.t_s.__getitem__)
    return MeasuredRun(
        name=run.name,
        total_time_s=run.total_time_s,
        t_s=[run.t_s[i] for i in order],
        client=[run.client[i] for i in order],
        input_tokens=[run.input_tokens[i] for i in order],
        output_tokens=[run.output_tokens[i] for i in order],
        ttft_s=[run.ttft_s[i] for i in order],
        latency_s=[run.latency_s[i] for i in order],
    )
