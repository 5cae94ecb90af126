"""Who changed what, when, from what to what: rows that are only ever added."""

import pwd
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

PAGE_ROWS_MAX = 1_000


class AuditRow(NamedTuple):
    """One thing that was changed by somebody. `what` is the act, such as "set" or "revoke"; `place` the
    thing, such as `tenants[acme].weight`; `before` and `after` are JSON, None: it was not, or is not,
    there. No secret is ever among them."""

    at_ms: int
    who: str
    what: str
    place: str
    before: str | None = None
    after: str | None = None


class NumberedRow(NamedTuple):
    """A row with its number; later ones have higher ones."""

    number: int
    row: AuditRow


def user_name(uid: int) -> str:
    """How the audit calls a user of this machine."""
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user {uid}"  # as in containers


class AuditTable:
    """On a connection that stays its maker's. All raise sqlite3.Error where the disk fails."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, rows: Iterable[AuditRow]) -> None:
        """Within the caller's transaction."""
        self._connection.executemany(
            "INSERT INTO audit (at_ms, who, what, place, before, after) VALUES (?, ?, ?, ?, ?, ?)",
            rows,
        )

    def page(self, below: int | None = None, rows_max: int = PAGE_ROWS_MAX) -> list[NumberedRow]:
        """The latest rows, latest first; `below`: those with lower numbers."""
        found = self._connection.execute(
            "SELECT number, at_ms, who, what, place, before, after FROM audit "
            "WHERE ? IS NULL OR number < ? ORDER BY number DESC LIMIT ?",
            (below, below, min(rows_max, PAGE_ROWS_MAX)),
        )
        return [NumberedRow(number, AuditRow._make(row)) for number, *row in found]
