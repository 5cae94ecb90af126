"""A table as CSV (RFC 4180): exact figures, missing ones empty."""

import csv
import io
from datetime import UTC, datetime

from evenhand.cli.exports.columns import Sort, Table, Value
from evenhand.ledger.money import decimal_text

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_bytes(table: Table) -> bytes:
    """With a header, in UTF-8."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow([column.name for column in table.columns])
    for row in table.rows:
        writer.writerow([cell(row[column.name], column.sort) for column in table.columns])
    return stream.getvalue().encode()


def cell(value: Value, sort: Sort) -> str:
    """One value as text."""
    if value is None:
        return ""
    if isinstance(value, int):
        if sort is Sort.NANO:
            return decimal_text(value)
        if sort is Sort.MOMENT:
            return datetime.fromtimestamp(value // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return str(value)
    return value if sort is Sort.DECIMAL else harmless(value)


def harmless(text: str) -> str:
    """A spreadsheet takes such a text for a formula unless an apostrophe leads it."""
    return f"'{text}" if text.startswith(_FORMULA) else text
