"""A backup becomes the state database again; what it replaces is kept beside it.

At every instant a whole database has the name: the old one gets a second name, then the new one takes
the first. Only one that is too damaged to be opened may stand without its log in between.
"""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from evenhand.stores.problem import StateProblemError
from evenhand.stores.schema import VERSION, connect, open_to_read
from evenhand.stores.state_folder import StateFolder
from evenhand.stores.whole_copy import WholeCopy, sync_folder, whole_copy


@dataclass(frozen=True, slots=True)
class Restored:
    """`kept` is where the replaced database went; None if there was none."""

    copy: WholeCopy
    kept: Path | None


def restore(folder: StateFolder, backup: Path, *, label: str, may_replace: bool) -> Restored:
    """Put a copy of `backup` in place of the state database. `label` goes into the name of what is
    replaced. Raises StateProblemError, and then the database is as it was: while a gateway runs, where
    the backup is not sound, or where there is a database and `may_replace` is false."""
    if not backup.is_file():
        raise StateProblemError(f"there is no file {backup}: name a backup")
    folder.make()
    owner = folder.path.stat().st_uid
    if owner != os.geteuid():
        # Files of ours there would shut its owner, the gateway, out of its own database.
        message = f"{folder.path} is user {owner}'s: run this as that user, who runs the gateway"
        raise StateProblemError(message)
    folder.lock()
    try:
        database = folder.database
        if database.exists() and not may_replace:
            message = (
                f"{database} exists: what was booked since the backup would go. `evenhand ledger"
                " audit` and `evenhand usage` show what it has; replace it with --force (it is kept)"
            )
            raise StateProblemError(message)
        with (
            closing(open_to_read(backup, takes_older=True)) as source,
            whole_copy(source, folder.path) as copy,
        ):
            kept = _set_aside(database, label)
            copy.path.replace(database)
            sync_folder(folder.path)
            return Restored(copy, kept)
    finally:
        folder.unlock()


def _set_aside(database: Path, label: str) -> Path | None:
    """Keep the old database under another name, in one piece. Its log must not meet the new one."""
    kept = database.with_name(f"{database.name}.replaced-{label}")
    there = database.exists()
    if there:
        _fold_log_in(database)
        os.link(database, kept)
    log = Path(f"{database}-wal")
    if log.exists():
        log.rename(f"{kept}-wal")
    Path(f"{database}-shm").unlink(missing_ok=True)
    sync_folder(database.parent)
    return kept if there else None


def _fold_log_in(database: Path) -> None:
    """Move what stands in the write-ahead log into the database, which leaves no log."""
    uri = database.absolute().as_uri()
    try:
        # First without the right to write: what is damaged or newer is kept as it is.
        with closing(connect(f"{uri}?mode=ro")) as old:
            (version,) = old.execute("PRAGMA user_version").fetchone()
        if version <= VERSION:
            with closing(connect(f"{uri}?mode=rw")) as old:
                old.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError:
        # Too damaged to be opened, or somebody reads it: its log is kept with it.
        return
