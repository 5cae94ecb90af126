"""The statements that were issued: each with its number, where it was cut off, and its digest."""

import sqlite3
from typing import NamedTuple

from evenhand.stores.problem import NotAsAskedError


class Issued(NamedTuple):
    """In the order of its columns. `cut` is the last batch of the ledger that it covers; `total` is
    JSON, and so is `gpu` (see `statement_gpu`); times are milliseconds since 1970, and the period is
    half open."""

    number: int
    tenant: str
    from_ms: int
    to_ms: int
    cut: int
    total: str
    gpu: str
    digest: str
    issued_ms: int
    issued_by: str


def issued_for(connection: sqlite3.Connection, tenant: str | None) -> list[Issued]:
    """Those of one node, in their order; None: all. Raises sqlite3.Error."""
    rows = connection.execute(
        "SELECT * FROM statement WHERE :tenant IS NULL OR tenant = :tenant ORDER BY number",
        {"tenant": tenant},
    )
    return [Issued._make(row) for row in rows]


def record(connection: sqlite3.Connection, wanted: Issued, *, last: int) -> Issued:
    """Write it down for ever, with the next number. `last` is the number of the tenant's last statement
    when it was computed (0: none). Raises NotAsAskedError where another one came in between, or its
    period has one."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        _refuse(issued_for(connection, wanted.tenant), wanted, last)
        (number,) = connection.execute(
            "SELECT coalesce(max(number), 0) + 1 FROM statement"
        ).fetchone()
        issued = wanted._replace(number=number)
        connection.execute("INSERT INTO statement VALUES (?,?,?,?,?,?,?,?,?,?)", issued)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return issued


def _refuse(before: list[Issued], wanted: Issued, last: int) -> None:
    for other in before:
        if other.from_ms < wanted.to_ms and wanted.from_ms < other.to_ms:
            raise NotAsAskedError(
                f"statement {other.number} covers a part of that period already, and is never changed:"
                " what came later is in the next one"
            )
    if max((other.number for other in before), default=0) != last:
        raise NotAsAskedError("another statement of this tenant was issued meanwhile: repeat it")
