"""Columns of a table: a name, and what its values are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

Value = str | int | None
Row = Mapping[str, Value]


class Sort(Enum):
    """What a column's values are before they take a form. None is a missing value of any."""

    TEXT = "text"
    WHOLE = "whole"
    """An integer."""
    NANO = "nano"
    """Money, as an integer of billionths."""
    DECIMAL = "decimal"
    """An exact decimal number, as text, with at most 15 decimals."""
    MOMENT = "moment"
    """A moment in UTC, as an integer of milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    sort: Sort = Sort.TEXT


@dataclass(frozen=True, slots=True)
class Table:
    """Every row has a value for every column, by its name."""

    columns: Sequence[Column]
    rows: Sequence[Row]
