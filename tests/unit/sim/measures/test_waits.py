"""Means and quantiles by group are numpy's of each group."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.sim.measures.waits import waits


@given(
    st.lists(st.tuples(st.integers(0, 4), st.floats(0, 1e4)), max_size=40),
    st.sampled_from([0.0, 0.25, 0.5, 0.9, 0.99, 1.0]),
)
def test_of_each_group(rows: list[tuple[int, float]], quantile: float) -> None:
    values = np.array([value for _, value in rows])
    group = np.array([number for number, _ in rows], dtype=np.int64)
    found = waits(values, group, 6)
    for number in range(6):
        own = values[group == number]
        assert found.of(number).tolist() == sorted(own.tolist())
        if not len(own):
            assert math.isnan(found.mean()[number])
            assert math.isnan(found.quantile(quantile)[number])
            continue
        assert found.mean()[number] == pytest.approx(own.mean())
        assert found.quantile(quantile)[number] == pytest.approx(np.quantile(own, quantile))
