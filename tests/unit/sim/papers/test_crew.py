"""Runs in several processes give what runs one after the other give, in their order."""

import pytest

from evenhand.sim.papers.crew import run_all
from evenhand.sim.papers.paper import Order


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_specs(processes: int) -> None:
    told = []
    order = Order(
        processes=processes, progress=lambda done, of, what: told.append((done, of, what))
    )
    assert run_all(len, ["a", "bbb", "cc"], order) == [1, 3, 2]
    assert [(done, of) for done, of, _ in told] == [(1, 3), (2, 3), (3, 3)]
    assert {what for _, _, what in told} == {"a", "bbb", "cc"}


@pytest.mark.parametrize("processes", [1, 2])
def test_what_a_run_raises_is_raised(processes: int) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        run_all(int, ["1", "no"], Order(processes=processes))
