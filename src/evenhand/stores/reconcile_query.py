"""Ledger and engines of one period compared, beside a running gateway."""

import sqlite3
from collections.abc import Iterable

from evenhand.ledger.reconciliation import EngineReconciled, compared, intervals, reconciled
from evenhand.model import EngineName
from evenhand.stores.count_rows import counted_engines, ledger_use, read_counts


def reconcile_engines(
    connection: sqlite3.Connection,
    *,
    engines: Iterable[EngineName] | None = None,
    from_ms: int | None = None,
    to_ms: int | None = None,
) -> dict[EngineName, EngineReconciled]:
    """Each engine of which there are counts, or those asked for. Raises sqlite3.Error."""
    found = {}
    connection.execute("BEGIN")  # all of one moment
    try:
        for name in counted_engines(connection) if engines is None else engines:
            counts = compared(read_counts(connection, name), from_ms, to_ms)
            parts = list(intervals(counts))
            uses = ledger_use(connection, name, parts)
            found[name] = reconciled(zip(parts, uses, strict=True))
    finally:
        connection.execute("ROLLBACK")
    return found
