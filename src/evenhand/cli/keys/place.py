"""Where the keys are: the configuration, its state folder, the database, the pepper."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evenhand.cli.config import Config
from evenhand.cli.live.at_rest import with_changes
from evenhand.cli.state_access import configured
from evenhand.stores import KeyTable, Pepper, StateFolder, StateProblemError, pepper_of
from evenhand.stores.audit_table import user_name
from evenhand.stores.schema import is_older, open_to_write


@dataclass(frozen=True, slots=True)
class Place:
    """Open for writing."""

    config: Config
    folder: StateFolder
    table: KeyTable
    pepper: Pepper


def own(file: Path) -> tuple[Config, StateFolder]:
    """The configuration as it is in force, and its state folder, which is this user's or not there yet.
    Raises ConfigurationError, StateProblemError."""
    config, folder = configured(file)
    if folder.path.exists() and (owner := folder.path.stat().st_uid) != os.geteuid():
        # Files that we made there would shut its owner, the gateway, out of its own database.
        message = f"{folder.path} is user {owner}'s: run this as that user, who runs the gateway"
        raise StateProblemError(message)
    return with_changes(config, folder), folder


@contextmanager
def opened(file: Path) -> Iterator[Place]:
    """Open it, made if it was not there. Raises ConfigurationError, StateProblemError, sqlite3.Error."""
    config, folder = own(file)
    folder.make()
    if is_older(folder.database):
        message = (
            f"{folder.database} was made by an earlier version of Evenhand: start the gateway of this "
            "version once, which brings it up to date"
        )
        raise StateProblemError(message)
    with _alone(folder.path):
        connection = open_to_write(folder.database)
    try:
        yield Place(
            config,
            folder,
            KeyTable(connection, user_name(os.geteuid())),
            pepper_of(folder, connection),
        )
    finally:
        connection.close()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One command at a time: SQLite says "locked" at once to one of two that make the same database."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        why = error.strerror or error
        message = f"cannot use the state folder {folder} ({why}): mend its owner and mode"
        raise StateProblemError(message) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
