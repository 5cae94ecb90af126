"""The state database: its tables, its version, and how it is opened.

`user_version` counts versions of the schema. It only ever grows: an older database is brought up to
date when it is opened for writing, a newer one is refused before a byte of it is written.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from evenhand.stores.problem import StateProblemError

APPLICATION_ID = 0x45564E48
"""Marks the file as ours ("EVNH"), for `file` and for us."""

_LEDGER = """
CREATE TABLE account (
    number INTEGER PRIMARY KEY,
    side TEXT NOT NULL CHECK (side IN ('consumer', 'model')),
    tenant TEXT NOT NULL,
    application TEXT NOT NULL,
    key TEXT NOT NULL,
    model TEXT NOT NULL,
    currency TEXT NOT NULL,
    posted_input INTEGER NOT NULL CHECK (posted_input >= posted_cached),
    posted_cached INTEGER NOT NULL CHECK (posted_cached >= 0),
    posted_output INTEGER NOT NULL CHECK (posted_output >= 0),
    posted_nano INTEGER NOT NULL CHECK (posted_nano >= 0),
    held_input INTEGER NOT NULL CHECK (held_input >= 0),
    held_output INTEGER NOT NULL CHECK (held_output >= 0),
    held_nano INTEGER NOT NULL CHECK (held_nano >= 0),
    UNIQUE (side, tenant, application, key, model, currency)
) STRICT;
CREATE TABLE price (
    number INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    currency TEXT NOT NULL,
    input INTEGER NOT NULL CHECK (input >= cached_input),
    cached_input INTEGER NOT NULL CHECK (cached_input >= 0),
    output INTEGER NOT NULL CHECK (output >= 0),
    UNIQUE (model, currency, input, cached_input, output)
) STRICT;
CREATE TABLE transfer (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    debit INTEGER NOT NULL REFERENCES account,
    credit INTEGER NOT NULL REFERENCES account,
    input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    nano INTEGER NOT NULL,
    request TEXT,
    price INTEGER REFERENCES price,
    outcome TEXT,
    engine TEXT,
    units INTEGER,
    is_estimate INTEGER
) STRICT;
CREATE TABLE mark (
    number INTEGER PRIMARY KEY,
    input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    is_estimate INTEGER NOT NULL
) STRICT;
CREATE TABLE ledger (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    seq INTEGER NOT NULL,
    open_from INTEGER NOT NULL
) STRICT;
INSERT INTO ledger VALUES (1, 0, 1);
CREATE TRIGGER transfers_stay BEFORE UPDATE ON transfer
BEGIN SELECT RAISE(ABORT, 'a transfer is never changed'); END;
CREATE TRIGGER transfers_are_kept BEFORE DELETE ON transfer
BEGIN SELECT RAISE(ABORT, 'a transfer is never deleted'); END;
"""

_KEYS = """
CREATE TABLE pepper (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    proof BLOB NOT NULL
) STRICT;
CREATE TABLE api_key (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    application TEXT NOT NULL,
    trust_domain TEXT NOT NULL,
    lane TEXT NOT NULL,
    models TEXT NOT NULL,
    open_requests_max INTEGER CHECK (open_requests_max > 0),
    output_tokens_max INTEGER CHECK (output_tokens_max > 0),
    spend_max_nano INTEGER CHECK (spend_max_nano >= 0),
    tokens_max INTEGER CHECK (tokens_max > 0),
    note TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    revoked_ms INTEGER,
    change INTEGER NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;
CREATE TABLE api_key_secret (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
    key TEXT NOT NULL REFERENCES api_key,
    created_ms INTEGER NOT NULL,
    valid_until_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_secrets ON api_key_secret (key);
CREATE TRIGGER api_keys_are_kept BEFORE DELETE ON api_key
BEGIN SELECT RAISE(ABORT, 'a key is revoked, never deleted'); END;
CREATE TRIGGER api_keys_stay_revoked BEFORE UPDATE ON api_key WHEN old.revoked_ms IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a revoked key stays as it is'); END;
CREATE TRIGGER api_key_secrets_are_kept BEFORE DELETE ON api_key_secret
BEGIN SELECT RAISE(ABORT, 'a secret ends, and is never deleted'); END;
"""

MIGRATIONS: tuple[str, ...] = (_LEDGER, _KEYS)
"""From each version to the next. A migration that has shipped is never edited."""

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
