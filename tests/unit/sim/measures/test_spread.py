"""Amounts spread over spans fall into windows as a naive sum over all of them says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.sim.measures.spread import Grid, by_window, within


def part(begin: float, end: float, low: float, high: float) -> float:
    """Of one span in a window, written as it is meant."""
    if end > begin:
        return max(min(end, high) - max(begin, low), 0) / (end - begin)
    return 1.0 if low <= begin < high else 0.0


rows = st.lists(
    st.tuples(st.integers(0, 3), st.integers(-40, 240), st.integers(0, 120), st.integers(0, 50)),
    min_size=1,
    max_size=30,
)


@given(rows, st.integers(1, 9), st.integers(1, 17))
def test_windows_hold_what_a_naive_sum_says(
    rows: list[tuple[int, int, int, int]], step: int, windows: int
) -> None:
    grid = Grid(3.0, step, windows)
    group = np.array([row[0] for row in rows])
    begin = np.array([row[1] / 4 for row in rows])
    end = begin + np.array([row[2] / 4 for row in rows])
    amount = np.array([float(row[3]) for row in rows])
    found = by_window(group, 4, (begin, end), amount, grid)
    for number in range(4):
        for window in range(windows):
            low = 3.0 + step * window
            expected = sum(
                amount[i] * part(begin[i], end[i], low, low + step)
                for i in range(len(rows))
                if group[i] == number
            )
            assert found[number, window] == pytest.approx(expected, abs=1e-9)


def test_a_part_of_a_span_and_an_instant() -> None:
    begin, end = np.array([0.0, 4.0, 5.0, 9.0]), np.array([10.0, 6.0, 5.0, 9.0])
    assert within(begin, end, 5.0, 8.0).tolist() == [0.3, 0.5, 1.0, 0.0]


def test_middles() -> None:
    assert Grid(10.0, 4.0, 2).middles_s.tolist() == [12.0, 16.0]
