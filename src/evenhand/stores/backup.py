"""A backup of the state database, made while the gateway runs."""

from contextlib import closing
from pathlib import Path

from evenhand.stores.problem import StateProblemError
from evenhand.stores.schema import open_to_read
from evenhand.stores.state_folder import StateFolder
from evenhand.stores.whole_copy import WholeCopy, sync_folder, whole_copy


def back_up(folder: StateFolder, file: Path, *, may_replace: bool) -> WholeCopy:
    """Write `file`: all of it, audited and on disk, or nothing. What it holds is as of the moment at
    which copying began. Raises StateProblemError."""
    place = file.absolute().parent
    if not place.is_dir():
        raise StateProblemError(f"there is no folder {place}: make it, or choose another place")
    if place.resolve() == folder.path.resolve():
        message = f"{place} is the state folder itself: what loses the one would lose the other"
        raise StateProblemError(f"{message}; choose a place on another disk")
    if file.is_dir():
        raise StateProblemError(f"{file} is a folder: name a file in it")
    if file.exists() and not may_replace:
        message = f"{file} exists and is kept: choose another name, or replace it with --force"
        raise StateProblemError(message)
    with closing(open_to_read(folder.database)) as source, whole_copy(source, place) as copy:
        copy.path.replace(file)
        sync_folder(place)
        return copy
