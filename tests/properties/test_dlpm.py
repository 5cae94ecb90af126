"""DLPM and DRR keep their bound in long runs, and wrong beliefs about matches are caught."""

from fractions import Fraction
from unittest.mock import patch

import pytest

from evenhand.scheduling import compose
from evenhand.scheduling.queue.longest_prefix import LongestPrefixQueue
from properties.every_preset import found, machine_of
from properties.test_bound import COST, REQUEST_UNITS_MAX, WEIGHTS, WINDOW, largest_gap


@pytest.mark.parametrize("preset", ["dlpm", "drr"])
def test_the_bound_holds_in_long_runs_and_needs_its_quantum(preset: str) -> None:
    """Gaps are told as parts of VTC's bound, which is W C / w."""
    policy = compose(preset, settings={"quantum_tokens": 4_000})
    work = WINDOW * REQUEST_UNITS_MAX // min(WEIGHTS.values())
    gap = largest_gap(policy, seed=7, steps=5_000)
    assert gap <= 1 + Fraction(4_000 * COST.input, work)
    assert gap > 1


@pytest.mark.timeout(600)
def test_control_of_a_match_that_never_shrinks_is_caught() -> None:
    with patch.object(LongestPrefixQueue, "_has_shrunk", lambda self, ticket, home: False):
        assert found(machine_of("dlpm"))


@pytest.mark.timeout(600)
def test_control_of_a_match_that_never_grows_is_caught() -> None:
    with patch.object(LongestPrefixQueue, "_gained", lambda self, *what: None):
        assert found(machine_of("dlpm"))
