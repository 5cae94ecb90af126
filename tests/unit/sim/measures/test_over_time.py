"""Service and what was due over time, by hand."""

import numpy as np
import pytest

from evenhand.sim.measures.columns import columns
from evenhand.sim.measures.over_time import WINDOWS, OverTime, over_time
from evenhand.sim.measures.spread import Grid
from evenhand.sim.run_record import Fate
from support.made_record import Row, made_record


def curves(*rows: Row) -> OverTime:
    found = over_time(columns(made_record(rows), [("a",), ("b",)]), np.array([0.5, 0.5]))
    assert found is not None
    return found


def of(tenant: str, arrived_s: float, first_s: float, ended_s: float) -> Row:
    """A request of 20 weighted tokens."""
    return Row(tenant=tenant, arrived_s=arrived_s, first_s=first_s, ended_s=ended_s)


def test_who_waits_is_behind_and_all_is_even_again_in_the_end() -> None:
    found = curves(of("a", 0, 0, 10), of("b", 0, 10, 20)).coarser(2)
    assert found.received == pytest.approx(np.array([[20, 0], [0, 20]]), abs=1e-5)
    assert found.due == pytest.approx(np.array([[10, 10], [10, 10]]), abs=1e-5)
    assert found.jain(around=0) == pytest.approx([0.5, 0.5])
    assert found.jain(around=1) == pytest.approx([1, 1])


def test_the_time_that_an_answer_takes_makes_nobody_late() -> None:
    found = curves(of("a", 0, 0, 20), of("b", 0, 0, 5), of("b", 5, 5, 20))
    assert found.behind_s() == pytest.approx([0, 0], abs=1e-6)
    assert found.jain() == pytest.approx([1.0] * WINDOWS)


def test_nobody_is_due_what_was_refused() -> None:
    refused = Row(tenant="b", arrived_s=1, ended_s=1, fate=Fate.THROTTLED, input_tokens=10**6)
    found = curves(of("a", 0, 0, 10), refused)
    assert found.due[1].sum() == 0
    assert found.jain() == pytest.approx([1.0] * WINDOWS)


def test_who_is_never_served_counts_with_nothing() -> None:
    left = Row(tenant="b", arrived_s=0, ended_s=10, fate=Fate.LEFT)
    found = curves(of("a", 0, 0, 10), left)
    assert found.jain()[0] == pytest.approx(0.5)
    assert np.isnan(found.behind_s()[1])


def test_jain_counts_service_beyond_the_due_twice_at_most() -> None:
    grid = Grid(0, 1, 3)
    received = np.array([[30.0, 1, 0], [5, 0, 0]])
    found = OverTime(grid=grid, received=received, due=np.array([[10.0, 0, 0], [10, 5, 0]]))
    assert found.jain(around=0) == [pytest.approx(2.5**2 / (2 * (4 + 0.25))), None, None]
    assert found.jain(around=1)[1] == pytest.approx((2 + 1 / 3) ** 2 / (2 * (4 + 1 / 9)))


def test_fewer_windows_hold_the_same() -> None:
    found = curves(of("a", 0, 3, 10), of("b", 2, 4, 20))
    fewer = found.coarser(60)
    assert fewer.received.sum(axis=1) == pytest.approx(found.received.sum(axis=1))
    assert fewer.grid.windows == 60
    assert fewer.grid.to_s == pytest.approx(found.grid.to_s)
