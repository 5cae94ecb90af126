"""Lanes: every pick is the rule's, none starves, no slot idles, prices add up; and a check that sees."""

from collections import Counter
from unittest.mock import patch

import pytest
from hypothesis.stateful import run_state_machine_as_test

from evenhand.scheduling.lanes import lanes
from properties.lanes_machine import LanesMachine
from properties.machine_ground import ANY_LANE, KEPT_FLOORS, ONE_LANE_EACH
from support.stateful_steps import FIND, steps_of


class Machine(LanesMachine):
    grounds = (ANY_LANE, ONE_LANE_EACH, KEPT_FLOORS)
    seen = Counter()


class OnlyKeptFloors(LanesMachine):
    grounds = (KEPT_FLOORS,)
    seen = Counter()


@pytest.mark.timeout(600)
def test_every_pick_is_the_rules_and_every_price_adds_up() -> None:
    run_state_machine_as_test(Machine, settings=steps_of("lanes"))


@pytest.mark.timeout(600)
def test_control_a_floor_that_is_not_kept_is_caught() -> None:
    with (
        patch.object(lanes.Lanes, "beside_kept", lambda _, pools, __: pools),
        pytest.raises(AssertionError),
    ):
        run_state_machine_as_test(OnlyKeptFloors, settings=FIND)


@pytest.mark.timeout(600)
def test_control_a_rule_without_ageing_is_caught() -> None:
    with patch.object(lanes.Lanes, "_passed_over", lambda *_: None), pytest.raises(AssertionError):
        run_state_machine_as_test(Machine, settings=FIND)
