"""Faults planted into a state database behind its guards, as a hand or a bad disk would."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def unguarded(database: Path) -> Iterator[sqlite3.Connection]:
    """Without triggers and CHECKs for the length of the block; the triggers are as before after it."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
        ).fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        yield connection
        for _, sql in triggers:
            connection.execute(sql)


def plant(database: Path, statement: str, *values: Any) -> int:
    """Run one statement; how many rows it has changed."""
    with unguarded(database) as connection:
        return connection.execute(statement, values).rowcount
