"""BurstGPT's traces: `Timestamp` (s), `Model`, `Request tokens`, `Response tokens`, and in its second
release `Session ID`. A model's users are one tenant; what is logged (a conversation, an API) is the
application."""

from collections.abc import Iterator
from pathlib import Path

from evenhand.workloads.readers.row import Row, moment, tokens
from evenhand.workloads.readers.row_format import Remarks, row_format
from evenhand.workloads.readers.trace_file import Columns, CsvParser, Told, csv_rows
from evenhand.workloads.readers.trace_format import DialValues

_NEEDS = frozenset({"Timestamp", "Model", "Request tokens", "Response tokens"})


def _parser(header: Columns) -> CsvParser:
    at, model = header.index("Timestamp"), header.index("Model")
    request, response = header.index("Request tokens"), header.index("Response tokens")
    session = header.index("Session ID") if "Session ID" in header else None
    log = header.index("Log Type") if "Log Type" in header else None

    def parse(columns: Columns) -> Row:
        if not columns[model]:
            raise ValueError("no Model")
        return Row(
            1000 * moment("Timestamp", columns[at]),
            tokens("Request tokens", columns[request]),
            tokens("Response tokens", columns[response]),
            tenant=columns[model].replace("/", "-"),
            application="default" if log is None else columns[log] or "default",
            session="" if session is None else columns[session],
        )

    return parse


def _rows(path: Path, values: DialValues, bad: Told, remarks: Remarks) -> Iterator[tuple[int, Row]]:
    del values, remarks
    return csv_rows(path, _NEEDS, _parser, bad)


BURSTGPT = row_format(
    name="burstgpt",
    summary="BurstGPT (CSV); a tenant for each model",
    is_json=False,
    needs=_NEEDS,
    rows=_rows,
)
