"""A statement as JSON: whole numbers as they are, money as decimal text."""

import json
from typing import Any

from evenhand.cli.exports.columns import Sort
from evenhand.cli.exports.csv_file import cell
from evenhand.cli.statement.sections import correction_names
from evenhand.cli.statement.statement import Statement
from evenhand.cli.usage.figures import counts, held_money, money, outcomes, ratio
from evenhand.ledger.money import decimal_text
from evenhand.stores.correction_query import BookedCorrection
from evenhand.stores.statement_gpu import GpuCost
from evenhand.stores.usage_line import Group, UsageLine


def json_text(statement: Statement) -> str:
    """One object."""
    return json.dumps(json_document(statement), indent=2) + "\n"


def json_document(statement: Statement) -> dict[str, Any]:
    """The same before it is text; `total` is of `lines`, `late` and `corrections`; `gpu` is
    what the hardware cost, and no part of it."""
    figures = statement.figures
    return {
        "statement": statement.number,
        "tenant": statement.tenant,
        "from": str(statement.period.first),
        "to": str(statement.period.end),
        "cut": str(figures.cut),
        "digest": statement.digest,
        "by": statement.by,
        "lines": [_line(statement, group, line) for group, line in figures.lines.items()],
        "late": [
            {"of_statement": int(number)} | _line(statement, tuple(group), line)
            for (number, *group), line in figures.late.items()
        ],
        "corrections": [_correction(each) for each in figures.corrections],
        "total": _figures(figures.total) | {"money": money(figures.total, statement.currencies)},
        "gpu": {
            "until": cell(figures.gpu_until_ms, Sort.MOMENT),
            "lines": [_gpu(each) for each in figures.gpu],
        },
        "held": [_held(statement, group, line) for group, line in figures.open.items()],
    }


def _line(statement: Statement, group: Group, line: UsageLine) -> dict[str, Any]:
    (*names, currency) = group
    return (
        dict(zip(statement.by, (name or None for name in names), strict=True))
        | {"currency": currency or None}
        | {"money": money(line, [currency])[currency] if currency else None}
        | _figures(line)
    )


def _figures(line: UsageLine) -> dict[str, Any]:
    whole = counts(line)
    del whole["open_requests"], whole["held_tokens"]
    return whole | {
        "estimated": ratio(line.estimated_tokens, line.tokens),
        "outcomes": {name: count for name, count in outcomes(line).items() if count},
    }


def _held(statement: Statement, group: Group, line: UsageLine) -> dict[str, Any]:
    (*names, currency) = group
    return dict(zip(statement.by, (name or None for name in names), strict=True)) | {
        "currency": currency or None,
        "requests": line.open_requests,
        "tokens": line.held_tokens,
        "money": held_money(line, [currency])[currency] if currency else None,
    }


def _gpu(each: GpuCost) -> dict[str, Any]:
    return {
        "tenant": each.tenant,
        "model": each.model,
        "exact_us": each.exact_us,
        "estimated_us": each.estimated_us,
        "cost": {currency: decimal_text(nano) for currency, nano in each.nano.items()},
    }


def _correction(each: BookedCorrection) -> dict[str, Any]:
    names = correction_names(each)
    return {
        "reference": each.reference,
        "at": cell(each.at_ms, Sort.MOMENT),
        **{name: names[name] for name in ("tenant", "application", "key", "model")},
        "currency": each.currency or None,
        "money": decimal_text(each.nano) if each.currency else None,
        "input_tokens": each.input_tokens,
        "cached_input_tokens": each.cached_input_tokens,
        "output_tokens": each.output_tokens,
        "reasoning_tokens": each.reasoning_tokens,
        "gpu_us": each.gpu_us,
        "author": each.author,
        "reason": each.reason,
        "request": each.request,
    }
