"""The forms that a statement can take."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from evenhand.cli.exports.csv_file import csv_bytes
from evenhand.cli.exports.parquet_file import parquet_bytes
from evenhand.cli.statement.focus.rows import FOCUS_BY, focus_table
from evenhand.cli.statement.json_text import json_text
from evenhand.cli.statement.sections import sections_table
from evenhand.cli.statement.statement import Statement
from evenhand.cli.statement.text import text


class Format(StrEnum):
    """By the names that people ask for."""

    TEXT = "text"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    FOCUS = "focus"
    FOCUS_PARQUET = "focus-parquet"


@dataclass(frozen=True, slots=True)
class Form:
    """`make` gives the whole file, `ending` is how its name ends, `media` its type on the web."""

    make: Callable[[Statement], bytes]
    ending: str
    media: str
    is_text: bool = True
    by: tuple[str, ...] | None = None
    """How the statement must be grouped for it; None: as anybody likes."""


FORMS: Mapping[Format, Form] = MappingProxyType(
    {
        Format.TEXT: Form(lambda s: text(s).encode(), "txt", "text/plain; charset=utf-8"),
        Format.CSV: Form(lambda s: csv_bytes(sections_table(s)), "csv", "text/csv; charset=utf-8"),
        Format.JSON: Form(lambda s: json_text(s).encode(), "json", "application/json"),
        Format.PARQUET: Form(
            lambda s: parquet_bytes(sections_table(s)),
            "parquet",
            "application/vnd.apache.parquet",
            is_text=False,
        ),
        Format.FOCUS: Form(
            lambda s: csv_bytes(focus_table(s)), "focus.csv", "text/csv; charset=utf-8", by=FOCUS_BY
        ),
        Format.FOCUS_PARQUET: Form(
            lambda s: parquet_bytes(focus_table(s)),
            "focus.parquet",
            "application/vnd.apache.parquet",
            is_text=False,
            by=FOCUS_BY,
        ),
    }
)


def file_name(statement: Statement, form: Form) -> str:
    """What the file is called: letters, digits and dashes alone."""
    node = "".join(
        letter if letter.isascii() and letter.isalnum() else "-" for letter in statement.tenant
    )
    number = "draft" if statement.number is None else f"statement-{statement.number}"
    return f"{number}-{node}-{statement.period.first}-{statement.period.end}.{form.ending}"
