"""A copy of a database as one file: of one moment, audited, and on disk before it gets its name."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from evenhand.stores.audit import Audit, audit
from evenhand.stores.problem import StateProblemError
from evenhand.stores.schema import connect, is_older, open_to_write

_BESIDE = ("", "-journal", "-wal", "-shm")
"""The files that SQLite may keep for one database."""


@dataclass(frozen=True, slots=True)
class WholeCopy:
    """Has a temporary name; whoever wants it renames it. `bytes` is its size."""

    path: Path
    bytes: int
    audit: Audit


@contextmanager
def whole_copy(source: sqlite3.Connection, folder: Path) -> Iterator[WholeCopy]:
    """Copy what `source` has open into `folder`, brought up to date where an earlier version has made
    it; what was not renamed when the block ends is removed.

    Raises StateProblemError where it cannot be written, or fails the audit.
    """
    path: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=".unfinished-", suffix=".db", dir=folder)
        path = Path(name)
        try:
            _fill(source, path)
            os.fsync(handle)
            size = os.fstat(handle).st_size
        finally:
            os.close(handle)
        found = _audited(path)
        yield WholeCopy(path, size, found)
    except (OSError, sqlite3.OperationalError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        message = f"cannot write a copy into {folder} ({why}): make room, or choose another place"
        raise StateProblemError(message) from None
    except sqlite3.DatabaseError as error:
        message = f"what was to be copied is damaged ({error}): restore a backup from before"
        raise StateProblemError(message) from None
    finally:
        if path is not None:
            for suffix in _BESIDE:
                Path(f"{path}{suffix}").unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder outlive a power cut. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _fill(source: sqlite3.Connection, path: Path) -> None:
    with closing(connect(path.absolute().as_uri())) as target:
        # In one step: each commit of a gateway would make several begin anew, for ever.
        source.backup(target)
        # One file that needs no other beside it.
        target.execute("PRAGMA journal_mode = DELETE")
    if is_older(path):
        # The audit knows the tables of this version.
        with closing(open_to_write(path)) as target:
            target.execute("PRAGMA journal_mode = DELETE")


def _audited(path: Path) -> Audit:
    with closing(connect(f"{path.absolute().as_uri()}?mode=ro")) as connection:
        found = audit(connection)
    if found.faults:
        faults = [
            text for check, looked in found.results for text in looked.told if not check.warns_only
        ]
        message = (
            f"what was copied fails the audit ({faults[0]}): `evenhand ledger audit` tells all of a"
            " state database; restore a backup from before"
        )
        raise StateProblemError(message)
    return found
