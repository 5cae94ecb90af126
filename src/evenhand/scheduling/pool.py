"""What a waiting request competes in: a lane, and the engines that it can run on.

Those are the engines that serve its model, less one that has failed it. Models that are served by the
same engines share a pool, because their requests compete.
"""

from dataclasses import dataclass

from evenhand.model import EngineName, LaneName

ONE_LANE = LaneName("")
"""Where there are no lanes, all requests compete in this one."""


# Compared as objects: `Capacity` makes one for each lane and set of engines.
@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """`engines` in order of names; empty where nothing serves the model."""

    engines: tuple[EngineName, ...]
    lane: LaneName = ONE_LANE
