"""Amounts spread evenly over spans of time: how much of each falls where.

So is the service of a request counted, from its first token to its end, as the artifact of VTC does
it. What has no length counts whole at its instant.
"""

from dataclasses import dataclass

import numpy as np

from evenhand.sim.measures.columns import Floats, Integers, summed


@dataclass(frozen=True, slots=True)
class Grid:
    """Windows of `step_s` one after the other, the first from `from_s` on."""

    from_s: float
    step_s: float
    windows: int

    def __post_init__(self) -> None:
        assert self.step_s > 0
        assert self.windows >= 1

    @property
    def to_s(self) -> float:
        return self.from_s + self.step_s * self.windows

    @property
    def middles_s(self) -> Floats:
        numbers = np.arange(self.windows, dtype=np.float64)
        return self.from_s + self.step_s * (numbers + 0.5)


def within(from_s: Floats, to_s: Floats, begin_s: float, end_s: float) -> Floats:
    """Which part of each span, from 0 to 1, lies between two instants."""
    length = to_s - from_s
    overlap = np.minimum(to_s, end_s) - np.maximum(from_s, begin_s)
    is_inside = (from_s >= begin_s) & (from_s <= end_s)
    part = is_inside.astype(np.float64)
    np.divide(overlap, length, out=part, where=length > 0)
    return np.minimum(np.maximum(part, 0.0), 1.0)


def by_window(
    group: Integers, groups: int, spans: tuple[Floats, Floats], amount: Floats, grid: Grid
) -> Floats:
    """The amounts of each group in each window, groups x windows. What lies outside is left out; it is
    O(rows + groups x windows), however many windows a span covers."""
    begin = np.clip((spans[0] - grid.from_s) / grid.step_s, 0, grid.windows)
    end = np.clip((spans[1] - grid.from_s) / grid.step_s, 0, grid.windows)
    length = (spans[1] - spans[0]) / grid.step_s
    is_point = length <= 0
    is_inside = (spans[0] >= grid.from_s) & (spans[0] < grid.to_s)
    rate = np.divide(amount, length, out=np.zeros_like(amount), where=~is_point)
    first = np.minimum(begin.astype(np.int64), grid.windows - 1)
    last = np.minimum(end.astype(np.int64), grid.windows - 1)
    is_one = first == last
    in_first = np.where(is_one, rate * (end - begin), rate * (first + 1 - begin))
    in_first = np.where(is_point, np.where(is_inside, amount, 0), in_first)
    in_last = np.where(is_one, 0, rate * (end - last))

    size = groups * (grid.windows + 1)
    row = group * (grid.windows + 1)
    sums = summed(row + first, in_first, size) + summed(row + last, in_last, size)
    # Windows that are covered whole: the rate begins in the second and ends before the last.
    covers = last > first + 1
    changes = summed((row + first + 1)[covers], rate[covers], size)
    changes -= summed((row + last)[covers], rate[covers], size)
    table = sums.reshape(groups, -1) + np.cumsum(changes.reshape(groups, -1), axis=1)
    return np.maximum(table[:, : grid.windows], 0.0)
