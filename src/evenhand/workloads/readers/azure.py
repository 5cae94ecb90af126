"""Azure's traces of LLM inference, 2023 and 2024: `TIMESTAMP,ContextTokens,GeneratedTokens`."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from evenhand.workloads.readers.row import Row, shown, tokens
from evenhand.workloads.readers.row_format import Remarks, row_format
from evenhand.workloads.readers.trace_file import Columns, CsvParser, Told, csv_rows
from evenhand.workloads.readers.trace_format import DialValues

_NEEDS = frozenset({"TIMESTAMP", "ContextTokens", "GeneratedTokens"})


def _parser(header: Columns) -> CsvParser:
    at, context, generated = map(header.index, ("TIMESTAMP", "ContextTokens", "GeneratedTokens"))
    start: datetime | None = None

    def parse(columns: Columns) -> Row:
        nonlocal start
        try:
            moment = datetime.fromisoformat(columns[at])
            if start is None:
                start = moment
            since = moment - start
        except (ValueError, TypeError):  # TypeError: with a time zone here, without one there
            raise ValueError(f"TIMESTAMP is {shown(columns[at])}, not a moment") from None
        return Row(
            since.days * 86_400_000 + since.seconds * 1000 + since.microseconds / 1000,
            tokens("ContextTokens", columns[context]),
            tokens("GeneratedTokens", columns[generated]),
        )

    return parse


def _rows(path: Path, values: DialValues, bad: Told, remarks: Remarks) -> Iterator[tuple[int, Row]]:
    del values, remarks
    return csv_rows(path, _NEEDS, _parser, bad)


AZURE = row_format(
    name="azure",
    summary="Azure LLM inference traces 2023 and 2024 (CSV); no tenants, no prompts",
    is_json=False,
    needs=_NEEDS,
    rows=_rows,
)
