"""Jain's index over one second and over five minutes, of what backlogged tenants got of their due.
Definition and derivation: jain.md."""

from collections.abc import Iterable, Mapping

from evenhand.scheduling import Node
from evenhand.telemetry.samples.promised import MILLION
from evenhand.telemetry.samples.sliding import SlidingSums

SECONDS_MIN = 10
"""Of the five minutes, those that a tenant must have been backlogged in to count."""


GRAINS_MIN = 4
"""What a tenant must be due in a window to count, in mean requests: who is due less gets all or nothing
by chance, under any order."""


def jain_ppm(received_and_due: Iterable[tuple[int, int]]) -> int | None:
    """The index of the ratios, in parts per million; None: fewer than two, or nobody received."""
    ratios = [max(0, received) * MILLION // due for received, due in received_and_due if due > 0]
    squares = sum([ratio * ratio for ratio in ratios])
    if len(ratios) < 2 or not squares:
        return None
    return sum(ratios) ** 2 * MILLION // (len(ratios) * squares)


class Fairness:
    """Told each second of the tenants that were backlogged in it."""

    def __init__(self) -> None:
        self._recent = SlidingSums(bucket_s=10, buckets=30)
        self._due_min = 0

    def second(
        self, received_and_due: Mapping[Node, tuple[int, int]], request_units: int
    ) -> int | None:
        """Take a second in; its index. `request_units` is what a request costs on average."""
        self._due_min = due_min = GRAINS_MIN * request_units
        self._recent.second(
            {leaf: (received, due, 1) for leaf, (received, due) in received_and_due.items()}
        )
        return jain_ppm([one for one in received_and_due.values() if one[1] >= due_min])

    def five_minutes(self) -> int | None:
        """The index over the last five minutes, up to ten seconds less."""
        return jain_ppm(
            (received, due)
            for received, due, seconds in self._recent.sums.values()
            if seconds >= SECONDS_MIN and due >= self._due_min
        )
