"""A stretch of GPU time in two."""

from evenhand.ledger.gpu.division import divide
from evenhand.ledger.gpu.engine_time import Stretch


def cut(stretch: Stretch, at_us: int) -> tuple[Stretch, Stretch]:
    """In two, everybody's time in the same proportion."""
    owners, amounts = list(stretch.gpu_us), list(stretch.gpu_us.values())
    whole = sum(amounts)
    before = whole * (at_us - stretch.from_us) // (stretch.to_us - stretch.from_us)
    parts = divide(before, amounts) if whole else []
    first = {owner: part for owner, part in zip(owners, parts, strict=True) if part}
    rest = {
        owner: amount - part
        for owner, amount, part in zip(owners, amounts, parts, strict=True)
        if amount > part
    }
    return Stretch(stretch.from_us, at_us, first), Stretch(at_us, stretch.to_us, rest)
