"""Usage as CSV (RFC 4180), a row for each line. There is no row of sums: who adds up a column must not
count everything twice."""

import csv
import io

from evenhand.cli.usage.figures import counts, held_money, money, outcomes, parts
from evenhand.cli.usage.statement import Statement

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(statement: Statement) -> str:
    """With a header; figures exact, missing ones empty."""
    total, currencies = statement.total, statement.currencies
    stream = io.StringIO()
    writer = csv.writer(stream)
    for number, (group, line) in enumerate(({(): total} | dict(statement.lines)).items()):
        row = (
            counts(line)
            | parts(line, total)
            | {f"money_{name}": text for name, text in money(line, currencies).items()}
            | {f"held_{name}": text for name, text in held_money(line, currencies).items()}
            | {f"outcome_{name}": count for name, count in outcomes(line).items()}
        )
        if number == 0:
            writer.writerow([*statement.by, *row])  # of the total only the names are wanted
        else:
            writer.writerow([*map(_harmless, group), *row.values()])
    return stream.getvalue()


def _harmless(text: str) -> str:
    """A spreadsheet takes such a text for a formula unless an apostrophe leads it."""
    return f"'{text}" if text.startswith(_FORMULA) else text
