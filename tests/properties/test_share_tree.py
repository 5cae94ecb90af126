"""F1 to F5 of the fairness promises, by a stateful machine; and proof that the machine can see."""

from heapq import heappop, heapreplace
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from evenhand.model import Request
from evenhand.scheduling import share_tree
from evenhand.scheduling.counter_heap import CounterHeap
from properties.scheduler_machine import OnePoolMachine, SchedulerMachine

STEPS = settings(
    max_examples=500,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(180)
def test_one_pool_keeps_the_bound_of_the_policy() -> None:
    run_state_machine_as_test(OnePoolMachine, settings=settings(STEPS, max_examples=1_000))


@pytest.mark.timeout(180)
def test_several_models_and_failing_engines_keep_every_other_promise() -> None:
    run_state_machine_as_test(SchedulerMachine, settings=STEPS)


class FairServeMachine(OnePoolMachine):
    """Refuses some at the door; whom it lets in keeps the bound of the counters."""

    preset = "fairserve"


@pytest.mark.timeout(180)
def test_with_throttling_one_pool_keeps_the_bound_of_the_policy() -> None:
    run_state_machine_as_test(FairServeMachine, settings=settings(STEPS, max_examples=150))


class FcfsMachine(SchedulerMachine):
    """The control keeps the same books; it only picks by arrival."""

    preset = "fcfs"

    def _next_by_brute_force(self) -> Request | None:
        startable = [r for r in self.waiting.values() if self._can_start(r)]
        return min(startable, key=self._sequence_of, default=None)


def test_fcfs_conserves_work_and_charges() -> None:
    run_state_machine_as_test(FcfsMachine, settings=settings(STEPS, max_examples=100))


FIND = settings(STEPS, max_examples=2_000, phases=[Phase.generate], database=None, print_blob=False)


def caught(machine: type[SchedulerMachine]) -> bool:
    try:
        run_state_machine_as_test(machine, settings=FIND)
    except AssertionError:
        return True
    return False


@pytest.mark.timeout(180)
def test_control_without_the_lift_is_caught() -> None:
    with patch.object(share_tree, "_lift", lambda node, pool: None):
        assert caught(OnePoolMachine)


@pytest.mark.timeout(180)
def test_control_without_the_lift_into_an_empty_queue_is_caught() -> None:
    real = share_tree._lift

    def only_if_somebody_waits(node, pool) -> None:  # type: ignore[no-untyped-def]
        if pool in node.parent.views:
            real(node, pool)

    with patch.object(share_tree, "_lift", only_if_somebody_waits):
        assert caught(OnePoolMachine)


@pytest.mark.timeout(180)
def test_control_of_a_refund_that_leaves_a_stale_key_is_caught() -> None:
    def least_without_looking(self):  # type: ignore[no-untyped-def]
        """The lazy heap as it would do for counters that only grow."""
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

    with (
        patch.object(CounterHeap, "shrunk", lambda self, member: None),
        patch.object(CounterHeap, "least", least_without_looking),
    ):
        assert caught(OnePoolMachine)


@pytest.mark.timeout(180)
def test_control_of_a_lift_by_those_who_wait_elsewhere_is_caught() -> None:
    """A third party that waits for another model must not set the present."""

    def by_anybody(node, pool) -> None:  # type: ignore[no-untyped-def]
        parent = node.parent
        views = [parent.views[pool]] if pool in parent.views else list(parent.views.values())
        if views:
            present = min(view.least()[0] for view in views)
            node.lifts[pool] = max(present - node.virtual, node.lifts.get(pool, 0))
        else:
            real(node, pool)

    real = share_tree._lift
    with patch.object(share_tree, "_lift", by_anybody):
        assert caught(SchedulerMachine)
