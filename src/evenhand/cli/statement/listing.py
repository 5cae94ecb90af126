"""The statements that were issued, as a table or as JSON."""

import json
from collections.abc import Sequence
from typing import Any

from evenhand.cli.exports.columns import Sort
from evenhand.cli.exports.csv_file import cell
from evenhand.cli.exports.text_table import text_table
from evenhand.stores.issued_statements import Issued

_HEADS = ("number", "tenant", "from", "until before", "cut", "total", "issued", "by")


def listing(issued: Sequence[Issued]) -> str:
    """For people."""
    if not issued:
        return (
            "No statement was issued yet: `evenhand statement TENANT --period 2026-11 --close`.\n"
        )
    return text_table(_HEADS, [_row(each) for each in issued], names=len(_HEADS))


def listing_json(issued: Sequence[Issued]) -> str:
    """For programs."""
    return json.dumps({"statements": [issued_document(each) for each in issued]}, indent=2) + "\n"


def issued_document(each: Issued) -> dict[str, Any]:
    """One of them, JSON-ready."""
    return {
        "number": each.number,
        "tenant": each.tenant,
        "from": _day(each.from_ms),
        "to": _day(each.to_ms),
        "cut": each.cut,
        "total": json.loads(each.total),
        "digest": each.digest,
        "issued_at": cell(each.issued_ms, Sort.MOMENT),
        "issued_by": each.issued_by,
    }


def _row(each: Issued) -> list[str]:
    total = ", ".join(f"{amount} {name}" for name, amount in json.loads(each.total).items())
    period = (_day(each.from_ms), _day(each.to_ms))
    issued = cell(each.issued_ms, Sort.MOMENT)
    return [
        *(str(each.number), each.tenant, *period, str(each.cut), total or "-"),
        *(issued, each.issued_by),
    ]


def _day(at_ms: int) -> str:
    return cell(at_ms, Sort.MOMENT)[:10]
