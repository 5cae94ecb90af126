"""Lanes: every pick is the rule's, none starves, no slot idles, prices add up; and a check that sees."""

from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from evenhand.scheduling.lanes import lanes
from properties.lanes_machine import LanesMachine, OneLaneEachMachine

STEPS = settings(
    max_examples=100,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
FIND = settings(STEPS, max_examples=500, phases=[Phase.generate], database=None, print_blob=False)


@pytest.mark.timeout(120)
def test_every_pick_is_the_rules_and_every_price_adds_up() -> None:
    run_state_machine_as_test(LanesMachine, settings=STEPS)


@pytest.mark.timeout(120)
def test_tenants_of_one_lane_keep_the_bound_of_the_policy() -> None:
    run_state_machine_as_test(OneLaneEachMachine, settings=STEPS)


@pytest.mark.timeout(120)
def test_control_a_rule_without_ageing_is_caught() -> None:
    with patch.object(lanes.Lanes, "_passed_over", lambda *_: None), pytest.raises(AssertionError):
        run_state_machine_as_test(LanesMachine, settings=FIND)
