"""Where something can start at this moment."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from evenhand.model import EngineName
from evenhand.scheduling.pool import Pool


class Openings(NamedTuple):
    """The pools that somebody waits for and that have a slot, at least one; and all engines that have a
    slot. Both are only read, and hold until the next call of the scheduler."""

    pools: Sequence[Pool]
    engines: Collection[EngineName]
