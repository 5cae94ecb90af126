"""Each fault that has been made in such schedulers is planted, and the check of the sound one must
catch it.

The same scene, by the same checks, passes in the tests of the promise; here the core is spoilt first.
"""

import random
from collections.abc import Callable
from functools import partial
from heapq import heappop, heapreplace

import pytest

from evenhand.model import RequestId
from evenhand.scheduling import Node, Scheduler, SchedulerSettings, Start, share_tree
from evenhand.scheduling.counter_heap import CounterHeap
from evenhand.scheduling.pool import Pool
from hostile.attacked import NO_GAIN, ONE_SEED, attacked, behaving, stepping_out
from properties.plain_counters import follow_the_rule
from properties.test_shares import UNEQUAL_DEMAND, UNIFORM, fair, poisson_run
from properties.test_windup import (
    Scene,
    burst_into_an_empty_queue,
    idle_then_burst,
    long_beside_short,
    on_and_off,
)
from support.share_checks import (
    check_advantage,
    check_lag,
    check_nobody_is_passed_over,
    check_shares,
)
from support.simulated_engines import SECOND

caught = pytest.raises(AssertionError)


# Faults of the order.


def test_order_of_arrival_is_caught_by_shares() -> None:
    run = poisson_run(0, preset="fcfs")
    names = tuple(UNEQUAL_DEMAND)
    served, shares = fair(run, dict.fromkeys(names, 1), SECOND // 2, 4 * SECOND, modest=names)
    with caught:
        check_shares(served, shares, UNIFORM)


@pytest.mark.parametrize(
    ("preset", "scene_of"),
    [
        ("fcfs", on_and_off),
        ("lcf", partial(idle_then_burst, SECOND)),
        ("lcf", on_and_off),
        ("round-robin", long_beside_short),
    ],
)
def test_an_order_that_promises_nothing_is_caught(
    preset: str, scene_of: Callable[..., Scene]
) -> None:
    """By the bound of the one that promises it."""
    sound, scene = scene_of(), scene_of(preset=preset)
    scene.run.run(2 * SECOND)
    with caught:
        check_lag(scene.meter, sound.bound_units)


def test_order_of_arrival_is_caught_by_who_is_passed_over() -> None:
    sound, scene = on_and_off(), on_and_off(preset="fcfs")
    figures = scene.run.run(2 * SECOND)
    with caught:
        check_nobody_is_passed_over(figures, sound.passed_over_units_max)


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

    def only_beside_others(node: Node, pool: Pool) -> None:
        assert node.parent is not None
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


def erase_debt(node: Node, pool: Pool) -> None:
    """Who comes back is set level with the others, also where it owes them."""
    assert node.parent is not None
    view = node.parent.views.get(pool)
    if view is not None:
        node.lifts[pool] = view.least()[0] - node.virtual


def test_debt_erased_by_a_pause_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share_tree, "_lift", erase_debt)
    with caught:
        follow_the_rule(range(20))


def test_debt_erased_by_a_pause_is_caught_by_what_it_gains(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(share_tree, "_lift", erase_debt)
    attack, before = (attacked(who, seeds=ONE_SEED) for who in (stepping_out, behaving))
    with caught:
        check_advantage(attack.attacker_units, before.attacker_units, NO_GAIN)


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

    def least(self: CounterHeap[Node]) -> tuple[int, Node]:
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
