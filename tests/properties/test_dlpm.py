"""DLPM and DRR keep their bound, pick as their pages say, and the machine sees what would break them."""

from fractions import Fraction
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from evenhand.scheduling import compose, share_tree
from evenhand.scheduling.node import Node
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.queue.longest_prefix import LongestPrefixQueue
from properties.quanta_machine import DlpmMachine, DrrMachine
from properties.test_bound import COST, REQUEST_UNITS_MAX, WEIGHTS, WINDOW, largest_gap
from properties.test_share_tree import STEPS, caught


@pytest.mark.timeout(180)
@pytest.mark.parametrize("machine", [DlpmMachine, DrrMachine])
def test_the_bound_holds_and_every_pick_is_as_the_page_says(machine: type[DrrMachine]) -> None:
    run_state_machine_as_test(machine, settings=settings(STEPS, max_examples=150))


@pytest.mark.parametrize("preset", ["dlpm", "drr"])
def test_the_bound_holds_in_long_runs_and_needs_its_quantum(preset: str) -> None:
    """Gaps are told as parts of VTC's bound, which is W C / w."""
    policy = compose(preset, settings={"quantum_tokens": 4_000})
    work = WINDOW * REQUEST_UNITS_MAX // min(WEIGHTS.values())
    gap = largest_gap(policy, seed=7, steps=5_000)
    assert gap <= 1 + Fraction(4_000 * COST.input, work)
    assert gap > 1


@pytest.mark.timeout(180)
@pytest.mark.parametrize("machine", [DlpmMachine, DrrMachine])
def test_control_of_literal_dlpm_that_erases_debts_is_caught(machine: type[DrrMachine]) -> None:
    """The paper's clients come back with q = 0, whatever they owe."""

    def rejoin_at_zero(node: Node, pool: Pool) -> None:
        assert node.parent is not None
        view = node.parent.views.get(pool)
        node.lifts[pool] = (view.least()[0] if view is not None else 0) - node.virtual

    with patch.object(share_tree, "_lift", rejoin_at_zero):
        assert caught(machine)


@pytest.mark.timeout(180)
def test_control_of_a_match_that_never_shrinks_is_caught() -> None:
    with patch.object(LongestPrefixQueue, "_has_shrunk", lambda self, ticket, home: False):
        assert caught(DlpmMachine)


@pytest.mark.timeout(180)
def test_control_of_a_match_that_never_grows_is_caught() -> None:
    with patch.object(LongestPrefixQueue, "_gained", lambda self, *what: None):
        assert caught(DlpmMachine)
