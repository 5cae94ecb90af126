"""Jain's index over one second and over five minutes, of what backlogged tenants got of their due.
Definition and derivation: jain.md."""

from collections.abc import Iterable, Mapping

from evenhand.scheduling import Node
from evenhand.telemetry.samples.promised import MILLION
from evenhand.telemetry.samples.sliding import SlidingSums

SECONDS_MIN = 10
"""Of the five minutes, those that a tenant must have been backlogged in to count."""


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

    def second(self, received_and_due: Mapping[Node, tuple[int, int]]) -> int | None:
        """Take a second in; its index."""
        self._recent.second(
            {leaf: (received, due, 1) for leaf, (received, due) in received_and_due.items()}
        )
        return jain_ppm(received_and_due.values())

    def five_minutes(self) -> int | None:
        """The index over the last five minutes, up to ten seconds less."""
        return jain_ppm(
            (received, due)
            for received, due, seconds in self._recent.sums.values()
            if seconds >= SECONDS_MIN
        )
