"""Usage as JSON: figures as exact numbers, money as decimal text."""

import json
from typing import Any

from evenhand.cli.usage.figures import corrected_money, counts, held_money, money, outcomes, parts
from evenhand.cli.usage.report import UsageReport
from evenhand.stores.usage_line import UsageLine


def json_text(report: UsageReport) -> str:
    """One object: the period, the lines, the total."""
    return json.dumps(json_document(report), indent=2) + "\n"


def json_document(report: UsageReport, lines_max: int | None = None) -> dict[str, Any]:
    """The same before it is text, with so many lines at most; the total is of all."""
    total, period = report.total, report.period
    currencies = report.currencies

    def figures(line: UsageLine) -> dict[str, Any]:
        return (
            counts(line)
            | parts(line, total)
            | {
                "money": money(line, currencies),
                "corrected_money": corrected_money(line, currencies),
                "held_money": held_money(line, currencies),
                "outcomes": outcomes(line),
            }
        )

    chosen = list(report.lines.items())[:lines_max]
    return {
        "from": None if period.first is None else period.first.isoformat(),
        "to": None if period.end is None else period.end.isoformat(),
        "by": report.by,
        "lines": [
            dict(zip(report.by, (name or None for name in group), strict=True)) | figures(line)
            for group, line in chosen
        ],
        "lines_left_out": len(report.lines) - len(chosen),
        "total": figures(total),
    }
