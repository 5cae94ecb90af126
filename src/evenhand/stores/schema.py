"""The state database: its tables, its version, and how it is opened.

`user_version` counts versions of the schema. It only ever grows: an older database is brought up to
date when it is opened for writing, a newer one is refused before a byte of it is written.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from evenhand.stores.migrations import MIGRATIONS
from evenhand.stores.problem import StateProblemError

APPLICATION_ID = 0x45564E48
"""Marks the file as ours ("EVNH"), for `file` and for us."""

VERSION = len(MIGRATIONS)

Connect = Callable[[str], sqlite3.Connection]
"""Opens a database by URI."""


def connect(uri: str) -> sqlite3.Connection:
    """A connection with explicit transactions that any one thread at a time may use."""
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=64
    )


def open_to_write(database: Path, open_uri: Connect = connect) -> sqlite3.Connection:
    """Open, make or bring up to date. Raises StateProblemError, or sqlite3.Error where the disk
    fails."""
    if database.exists():
        _refuse_newer(database, open_uri)
    else:
        _make_private(database)
    connection = open_uri(f"{database.absolute().as_uri()}?mode=rw")
    try:
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA journal_mode = WAL")
        # NORMAL may lose what was acknowledged when the power goes.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = OFF")  # held by construction; the audit looks
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(
    database: Path, open_uri: Connect = connect, *, takes_older: bool = False
) -> sqlite3.Connection:
    """Open without the right to write, beside a gateway that runs. `takes_older`: also with a schema
    that the next start would bring up to date. Raises StateProblemError."""
    if not database.exists():
        message = (
            f"there is no state database {database}: has a gateway run with this state.folder?"
        )
        raise StateProblemError(message)
    _refuse_newer(database, open_uri)
    connection = open_uri(f"{database.absolute().as_uri()}?mode=ro")
    version = _version(connection, database)
    if version < VERSION and not takes_older:
        connection.close()
        message = (
            f"{database} has schema {version}, and this version of Evenhand reads {VERSION}: start "
            "the gateway once, which brings it up to date"
        )
        raise StateProblemError(message)
    return connection


def _make_private(database: Path) -> None:
    """For its owner alone; SQLite gives the files beside it the same mode."""
    try:
        os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        why = error.strerror or error
        raise StateProblemError(f"cannot make {database} ({why}): mend owner and mode") from None


def is_older(database: Path, open_uri: Connect = connect) -> bool:
    """Whether an earlier version of Evenhand has made it. Raises StateProblemError."""
    if not database.exists():
        return False
    _refuse_newer(database, open_uri)
    connection = open_uri(f"{database.absolute().as_uri()}?mode=ro")
    try:
        return 0 < _version(connection, database) < VERSION
    finally:
        connection.close()


def _refuse_newer(database: Path, open_uri: Connect) -> None:
    try:
        connection = open_uri(f"{database.absolute().as_uri()}?mode=ro")
    except sqlite3.Error as error:
        raise StateProblemError(
            f"cannot open {database} ({error}): mend its owner and mode"
        ) from None
    try:
        version = _version(connection, database)
    finally:
        connection.close()
    if version > VERSION:
        message = (
            f"{database} has schema {version}, and this version of Evenhand knows {VERSION} at most: "
            "run the newer version again, or restore a backup from before the upgrade"
        )
        raise StateProblemError(message)


def _version(connection: sqlite3.Connection, database: Path) -> int:
    """The schema's version; 0 of an empty file. Raises StateProblemError if it is not ours."""
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.DatabaseError as error:
        message = f"{database} cannot be read ({error}): restore a backup of it"
        raise StateProblemError(message) from None
    if tables and owner != APPLICATION_ID:
        message = f"{database} is a database of something else: choose another state.folder"
        raise StateProblemError(message)
    return int(version)


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for step in MIGRATIONS[version:]:
            for statement in _statements(step):
                connection.execute(statement)
        if version < VERSION:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> list[str]:
    """A script cut into statements, because `executescript` would commit before it begins."""
    statements, statement = [], ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            statements.append(statement)
            statement = ""
    assert not statement.strip()
    return statements
