"""A whole number cut in proportion, without losing any of it."""

from collections.abc import Sequence


def divide(total: int, weights: Sequence[int]) -> list[int]:
    """Parts of `total` in proportion to `weights`, of which one is over 0. Their sum is `total`: what
    rounding down leaves goes, one each, to the largest remainders, of equal ones to the first."""
    whole = sum(weights)
    assert whole > 0, "nothing to divide by"
    assert total >= 0
    parts, remainders = [], []
    for weight in weights:
        part, remainder = divmod(total * weight, whole)
        parts.append(part)
        remainders.append(remainder)
    left = total - sum(parts)
    if left:
        by_remainder = sorted(range(len(parts)), key=lambda index: (-remainders[index], index))
        for index in by_remainder[:left]:
            parts[index] += 1
    return parts
