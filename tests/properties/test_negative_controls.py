"""Each fault that has been made in such schedulers is planted, and the check of the sound one must catch it.

The same scene, by the same checks, passes in the tests of the promise; here the core is spoilt first.
"""

import random
from collections.abc import Callable
from heapq import heappop, heapreplace

import pytest

from evenhand.model import RequestId
from evenhand.scheduling import Scheduler, SchedulerSettings, Start, share_tree
from evenhand.scheduling.counter_heap import CounterHeap
from properties.plain_counters import follow_the_rule
from properties.test_shares import UNEQUAL_DEMAND, UNIFORM, fair, poisson_run
from properties.test_windup import (
    Scene,
    burst_into_an_empty_queue,
    idle_then_burst,
    long_beside_short,
    on_and_off,
)
from support.share_checks import check_lag, check_nobody_is_passed_over, check_shares
from support.simulated_engines import SECOND

caught = pytest.raises(AssertionError)


# Faults of the order.


def test_order_of_arrival_is_caught_by_shares() -> None:
    run = poisson_run(0, preset="fcfs")
    names = tuple(UNEQUAL_DEMAND)
    served, shares = fair(run, dict.fromkeys(names, 1), SECOND // 2, 4 * SECOND, modest=names)
    with caught:
        check_shares(served, shares, UNIFORM)


def test_order_of_arrival_is_caught_by_the_lag_and_by_who_is_passed_over() -> None:
    scene = on_and_off(preset="vtc")
    bound_units, passed_over_units_max = scene.bound_units, scene.passed_over_units_max
    scene = on_and_off(preset="fcfs")
    figures = scene.run.run(4 * SECOND)
    with caught:
        check_lag(scene.meter, bound_units)
    with caught:
        check_nobody_is_passed_over(figures, passed_over_units_max)


# Faults of the lift.


def bank_credit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Least counter first: who comes back stands where he left."""
    monkeypatch.setattr(share_tree, "_lift", lambda node, pool: None)


@pytest.mark.parametrize("scene_of", [lambda: idle_then_burst(SECOND), on_and_off])
def test_banked_credit_is_caught(
    monkeypatch: pytest.MonkeyPatch, scene_of: Callable[[], Scene]
) -> None:
    bank_credit(monkeypatch)
    scene = scene_of()
    scene.run.run(2 * SECOND)
    with caught:
        check_lag(scene.meter, scene.bound_units)
    with caught:
        check_nobody_is_passed_over(scene.run.figures, scene.passed_over_units_max)


def test_no_lift_into_an_empty_queue_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the VTC artifact has it. A burst beside others that wait is still lifted, and passes."""
    sound = share_tree._lift

    def only_beside_others(node, pool) -> None:
        if pool in node.parent.views:
            sound(node, pool)

    monkeypatch.setattr(share_tree, "_lift", only_beside_others)
    scene = idle_then_burst(SECOND)
    scene.run.run(SECOND + SECOND // 2)
    scene.check()
    scene = burst_into_an_empty_queue()
    scene.run.run(3 * SECOND)
    with caught:
        check_lag(scene.meter, scene.bound_units)


def erase_debt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes back is set level with the others, also where it owes them."""

    def level(node, pool) -> None:
        view = node.parent.views.get(pool)
        if view is not None:
            node.lifts[pool] = view.least()[0] - node.virtual

    monkeypatch.setattr(share_tree, "_lift", level)


def test_debt_erased_by_a_pause_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    erase_debt(monkeypatch)
    with caught:
        follow_the_rule(range(20))


# Faults of the charge.


class ChargesAtFinish(Scheduler):
    """Answers are charged when they have ended; neither live, nor (with no prediction) at the pick."""

    def produced(self, request_id: RequestId, tokens: int, now_ms: int) -> None:
        del request_id, tokens, now_ms


def test_a_charge_at_finish_is_caught() -> None:
    """Every free slot goes to whoever has the long answers until the first of them has ended."""
    scene = long_beside_short(core=ChargesAtFinish, prediction="none")
    scene.run.run(SECOND // 2)
    with caught:
        scene.check()


def test_a_charge_at_finish_is_caught_by_plain_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scheduler, "produced", ChargesAtFinish.produced)
    with caught:
        follow_the_rule(range(20))


def test_a_refund_that_leaves_a_stale_key_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lazy heap as it would do for counters that only grow."""

    def least(self):
        while True:
            key, index = self._heap[0]
            if self._live.get(index) != key:
                heappop(self._heap)
                continue
            member = self._members[index]
            present = member.virtual + self._lifts[index]
            if present <= key:
                return key, member
            self._live[index] = present
            heapreplace(self._heap, (present, index))

    monkeypatch.setattr(CounterHeap, "shrunk", lambda self, member: None)
    monkeypatch.setattr(CounterHeap, "least", least)
    with caught:
        follow_the_rule(range(20))


# Faults of the work.


class Hesitates(Scheduler):
    """Leaves a slot free now and then."""

    def __init__(self, settings: SchedulerSettings) -> None:
        super().__init__(settings)
        self._dice = random.Random(1)

    def next(self, now_ms: int) -> Start | None:
        return None if self._dice.random() < 0.01 else super().next(now_ms)


def test_an_idle_slot_is_caught() -> None:
    scene = long_beside_short(core=Hesitates)
    with pytest.raises(AssertionError, match="a slot is free that somebody waits for"):
        scene.run.run(SECOND)
