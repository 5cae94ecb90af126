"""Who received most in the last minute, and how much of all. Service in units stands for engine time:
by default it weighs tokens by what they cost an engine; under the cost `engine_time` it is that time."""

from collections.abc import Mapping

from evenhand.model import TenantPath
from evenhand.scheduling import Node
from evenhand.telemetry.samples.promised import MILLION
from evenhand.telemetry.samples.sliding import SlidingSums


class Dominant:
    """Told each second what everybody received."""

    def __init__(self) -> None:
        self._recent = SlidingSums(bucket_s=6, buckets=10)

    def second(self, received: Mapping[Node, int]) -> tuple[TenantPath | None, int]:
        """Take a second in; whose it is, in parts per million. None: nobody received anything."""
        self._recent.second({leaf: (units,) for leaf, units in received.items() if units})
        sums = self._recent.sums
        in_all = sum([units for (units,) in sums.values() if units > 0])
        if not in_all:
            return None, 0
        leaf = max(sums, key=lambda leaf: (sums[leaf][0], -leaf.index))
        return leaf.path, sums[leaf][0] * MILLION // in_all
