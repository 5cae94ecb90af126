"""Issue a statement: it gets a number, and is what it is for ever."""

import json
import sqlite3

from evenhand.cli.statement.statement import Statement
from evenhand.ledger.money import decimal_text
from evenhand.stores.issued_statements import Issued, record
from evenhand.stores.problem import NotAsAskedError
from evenhand.stores.statement_gpu import gpu_costs, gpu_text

_SETTLES_MS = 60_000
"""Until then the last of a period is on disk."""


def close(connection: sqlite3.Connection, draft: Statement, *, by: str, now_ms: int) -> Issued:
    """Write a draft down. Raises NotAsAskedError where its period is not over, has its statement
    already, or shares days with another's."""
    period, figures = draft.period, draft.figures
    assert period.from_ms is not None
    assert period.to_ms is not None
    if period.to_ms + _SETTLES_MS > now_ms:
        raise NotAsAskedError(
            f"that period goes on until before {period.end} (UTC): close it when it is over, or leave"
            " out --close to see how it stands. Allow a minute for what is still being written"
        )
    if figures.issued is not None:
        issued = figures.issued
        raise NotAsAskedError(
            f"that period has its statement: number {issued.number}, issued by {issued.issued_by}; what"
            " came later is in the next one"
        )
    total = {currency: decimal_text(nano) for currency, nano in sorted(figures.total.nano.items())}
    wanted = Issued(
        number=0,
        tenant=draft.tenant,
        from_ms=period.from_ms,
        to_ms=period.to_ms,
        cut=figures.cut.batch,
        total=json.dumps(total),
        gpu=gpu_text(gpu_costs(connection, draft.tenant, period.from_ms, period.to_ms)),
        digest=draft.digest,
        issued_ms=now_ms,
        issued_by=by,
    )
    return record(connection, wanted, last=figures.cut.last)
