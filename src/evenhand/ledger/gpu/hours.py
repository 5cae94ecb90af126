"""Stretches of GPU time by the hour, so that a day or a month is told to the microsecond."""

from collections.abc import Iterator

from evenhand.ledger.gpu.division import divide
from evenhand.ledger.gpu.engine_time import Stretch
from evenhand.ledger.gpu.price import US_PER_HOUR


def by_hour(stretch: Stretch) -> Iterator[tuple[int, Stretch]]:
    """Each hour that it touches, in microseconds, with its part. Where it crosses the end of an hour
    everybody's time is cut in the same proportion."""
    left = stretch
    while left.from_us < left.to_us:
        hour_us = left.from_us - left.from_us % US_PER_HOUR
        end_us = hour_us + US_PER_HOUR
        if left.to_us <= end_us:
            yield hour_us, left
            return
        owners, amounts = list(left.gpu_us), list(left.gpu_us.values())
        length_us = left.to_us - left.from_us
        whole = sum(amounts)
        before = whole * (end_us - left.from_us) // length_us
        parts = divide(before, amounts) if whole else []
        first = {owner: part for owner, part in zip(owners, parts, strict=True) if part}
        rest = {
            owner: amount - part
            for owner, amount, part in zip(owners, amounts, parts, strict=True)
            if amount > part
        }
        yield hour_us, Stretch(left.from_us, end_us, first)
        left = Stretch(end_us, left.to_us, rest)
