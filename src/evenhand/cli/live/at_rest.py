"""The configuration that a gateway has in force, or would start with, as a command beside it sees it."""

from evenhand.cli.config import Config
from evenhand.cli.live.override import overlaid, read_back
from evenhand.stores import StateFolder
from evenhand.stores.live_changes import LiveChanges
from evenhand.stores.schema import is_older


def with_changes(file: Config, folder: StateFolder) -> Config:
    """The file's, with what was changed while a gateway ran on that folder. Raises StateProblemError."""
    if not folder.database.exists() or is_older(folder.database):
        return file
    return overlaid(file, map(read_back, LiveChanges(folder.database).load())).config
