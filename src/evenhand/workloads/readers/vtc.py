"""Requests of the VTC artifact: `t_s`, `client`, `input_tokens`, `output_tokens`.

Those that were measured name their `run` too, of which one is read.
"""

from collections.abc import Iterator
from pathlib import Path

from evenhand.workloads.dials import word
from evenhand.workloads.readers.row import Row, moment, tokens
from evenhand.workloads.readers.row_format import Remarks, row_format
from evenhand.workloads.readers.trace_file import Columns, CsvParser, Told, csv_rows
from evenhand.workloads.readers.trace_format import DialValues
from evenhand.workloads.workload import Dial

_NEEDS = frozenset({"t_s", "client", "input_tokens", "output_tokens"})
_NO_RUN = "none"


def _parser(header: Columns) -> CsvParser:
    at, client = header.index("t_s"), header.index("client")
    given, produced = header.index("input_tokens"), header.index("output_tokens")
    run = header.index("run") if "run" in header else None

    def parse(columns: Columns) -> Row:
        return Row(
            1000 * moment("t_s", columns[at]),
            tokens("input_tokens", columns[given]),
            tokens("output_tokens", columns[produced]),
            tenant=f"client-{columns[client]}",
            interaction="" if run is None else columns[run],
        )

    return parse


def _rows(path: Path, values: DialValues, bad: Told, remarks: Remarks) -> Iterator[tuple[int, Row]]:
    del remarks
    run = word(values, "run") if "run" in values else None
    if run == _NO_RUN:
        raise ValueError(f"{path.name} holds several runs: choose one with --set run=NAME.")
    for line, row in csv_rows(path, _NEEDS, _parser, bad):
        if run is None:
            yield line, row
        elif row.interaction == run:
            yield line, row._replace(interaction="")


def _dials(path: Path) -> tuple[Dial, ...]:
    """Which run, where rows name them."""
    runs: dict[str, None] = {}
    # Bad rows are told of when the file is read.
    for _, row in csv_rows(path, _NEEDS, _parser, lambda _: None):
        runs.setdefault(row.interaction)
    if not any(runs):
        return ()
    names = (*runs, _NO_RUN)
    default = names[0] if len(runs) == 1 else _NO_RUN
    return (Dial(name="run", meaning="which of the runs it holds", default=default, words=names),)


VTC = row_format(
    name="vtc",
    summary="requests of the VTC artifact (CSV); a tenant for each client",
    is_json=False,
    needs=_NEEDS,
    rows=_rows,
    dials=_dials,
)
