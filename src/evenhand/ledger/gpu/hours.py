"""Stretches of GPU time by the hour, so that a day or a month is told to the microsecond."""

from collections.abc import Iterator

from evenhand.ledger.gpu.cut import cut
from evenhand.ledger.gpu.engine_time import Stretch
from evenhand.ledger.gpu.price import US_PER_HOUR


def by_hour(stretch: Stretch) -> Iterator[tuple[int, Stretch]]:
    """Each hour that it touches, in microseconds, with its part."""
    left = stretch
    while left.from_us < left.to_us:
        hour_us = left.from_us - left.from_us % US_PER_HOUR
        end_us = hour_us + US_PER_HOUR
        if left.to_us <= end_us:
            yield hour_us, left
            return
        first, left = cut(left, end_us)
        yield hour_us, first
