"""Jain's index of fairness: 1 if all have the same, 1/n if one has everything."""

import numpy as np

from evenhand.sim.measures.columns import Floats


def jain(values: Floats) -> float | None:
    """(sum x)^2 / (n sum x^2), those with 0 included; None if nobody has anything."""
    squares = float(np.square(values).sum())
    if not squares:
        return None
    return float(values.sum()) ** 2 / (len(values) * squares)
