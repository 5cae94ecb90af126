"""Usage as JSON: figures as exact numbers, money as decimal text."""

import json
from typing import Any

from evenhand.cli.usage.figures import counts, held_money, money, outcomes, parts
from evenhand.cli.usage.statement import Statement
from evenhand.stores.usage_line import UsageLine


def json_text(statement: Statement) -> str:
    """One object: the period, the lines, the total."""
    total, period = statement.total, statement.period
    currencies = statement.currencies

    def figures(line: UsageLine) -> dict[str, Any]:
        return (
            counts(line)
            | parts(line, total)
            | {
                "money": money(line, currencies),
                "held_money": held_money(line, currencies),
                "outcomes": outcomes(line),
            }
        )

    document = {
        "from": None if period.first is None else period.first.isoformat(),
        "to": None if period.end is None else period.end.isoformat(),
        "by": statement.by,
        "lines": [
            dict(zip(statement.by, (name or None for name in group), strict=True)) | figures(line)
            for group, line in statement.lines.items()
        ],
        "total": figures(total),
    }
    return json.dumps(document, indent=2) + "\n"
