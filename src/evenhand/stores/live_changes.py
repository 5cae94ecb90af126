"""What was changed while the gateway ran, in the state database: in force again after a restart."""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from evenhand.model import TenantPath
from evenhand.stores.audit_table import AuditRow, AuditTable, NumberedRow
from evenhand.stores.key_table import KeyTable
from evenhand.stores.schema import open_to_read, open_to_write


class StoredOverride(NamedTuple):
    """A place of the configuration where the running gateway differs from the file. `value` is JSON;
    None: what the file has there is not in force."""

    place: str
    value: str | None
    who: str
    at_ms: int


class LiveChanges:
    """Opens the database anew for each call, which are few; use from one thread at a time. All raise
    StateProblemError, or sqlite3.Error where the disk fails."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def load(self) -> list[StoredOverride]:
        """All overrides."""
        connection = open_to_read(self._database)
        try:
            rows = connection.execute(
                "SELECT place, value, who, at_ms FROM override ORDER BY place"
            )
            return [StoredOverride._make(row) for row in rows]
        finally:
            connection.close()

    def write(
        self,
        overrides: Iterable[StoredOverride],
        rows: Iterable[AuditRow],
        moves: Sequence[tuple[TenantPath, TenantPath]] = (),
    ) -> None:
        """In one transaction: these are all overrides from here on, the audit has these rows more, and
        keys follow tenants that have moved from one path to another."""
        connection = open_to_write(self._database)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM override")
            connection.executemany("INSERT INTO override VALUES (?, ?, ?, ?)", overrides)
            AuditTable(connection).add(rows)
            for before, after in moves:
                KeyTable(connection).follow(before, after)
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise
        finally:
            connection.close()

    def note(self, rows: Iterable[AuditRow]) -> None:
        """Add to the audit alone."""
        connection = open_to_write(self._database)
        try:
            connection.execute("BEGIN IMMEDIATE")
            AuditTable(connection).add(rows)
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise
        finally:
            connection.close()

    def audit(self, below: int | None, rows_max: int) -> list[NumberedRow]:
        """See `AuditTable.page`."""
        connection = open_to_read(self._database)
        try:
            return AuditTable(connection).page(below, rows_max)
        finally:
            connection.close()


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
