"""Means and quantiles of values by group, all groups at once."""

from dataclasses import dataclass

import numpy as np

from evenhand.sim.measures.columns import Floats, Integers


@dataclass(frozen=True, slots=True)
class Waits:
    """Waiting times sorted by group. A group without any has NaN for a mean and for quantiles."""

    sorted_s: Floats
    counts: Integers
    starts: Integers

    def mean(self) -> Floats:
        """Of each group."""
        numbers = np.repeat(np.arange(len(self.counts)), self.counts)
        sums = np.bincount(numbers, weights=self.sorted_s, minlength=len(self.counts))
        return np.divide(sums, self.counts, out=_nothing(self.counts), where=self.counts > 0)

    def quantile(self, part: float) -> Floats:
        """Of each group: between two values, in proportion (as numpy's `linear`)."""
        found = _nothing(self.counts)
        has = self.counts > 0
        place = self.starts[has] + part * (self.counts[has] - 1)
        below = np.floor(place).astype(np.int64)
        above = np.ceil(place).astype(np.int64)
        low, high = self.sorted_s[below], self.sorted_s[above]
        found[has] = low + (high - low) * (place - below)
        return found

    def of(self, group: int) -> Floats:
        """The values of one group, sorted."""
        return self.sorted_s[self.starts[group] : self.starts[group] + self.counts[group]]


def waits(values_s: Floats, group: Integers, groups: int) -> Waits:
    """Sort values by group."""
    counts = np.bincount(group, minlength=groups)
    order = np.lexsort((values_s, group))
    return Waits(values_s[order], counts, np.cumsum(counts) - counts)


def _nothing(counts: Integers) -> Floats:
    return np.full(len(counts), np.nan)
