"""A log of calls holds all there is to know of a run (F10)."""

import pytest

from evenhand.scheduling import PRESETS, Scheduler, SchedulerSettings, TenantShare, compose
from evenhand.scheduling.recorder import Event, Recorder, replay
from evenhand.scheduling.tree_change import SetWeight, TreePlan, TreeProblem
from support.recorded_run import recorded

TENANTS = tuple(TenantShare(name=name, weight=weight) for name, weight in (("a", 1), ("b", 3)))
SEVERAL = {"e1": ("m1",), "e2": ("m1", "m2")}
QUESTIONS = {
    "ahead",
    "prediction_errors",
    "lane_standings",
    "next_expiry_ms",
    "obstacles",
    "why",
    "expected_input_tokens",
    "expected_usage",
    "open_requests",
    "overload",
    "open_units",
    "request_units_peak",
    "request_units_max",
    "served_units",
    "standing",
}


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_log_replays_with_equal_answers(preset: str) -> None:
    settings = SchedulerSettings(tenants=TENANTS, policy=compose(preset))
    log = recorded(settings, seed=1, steps=2_000, engines=SEVERAL)
    assert {event.method for event in log} >= {"submit", "start_at_once", "cancel", "settle"}
    assert any(event.method == "try_again_elsewhere" and event.answer for event in log)
    assert any(event.method == "expire" and event.answer for event in log)
    assert replay(log, Scheduler(settings)) == len(log)


def test_changes_of_the_tree_are_part_of_a_log() -> None:
    settings = SchedulerSettings(tenants=TENANTS)
    log: list[Event] = []
    recorder = Recorder(settings, log.append)
    assert isinstance(recorder.plan([SetWeight(("nobody",), 2)]), TreeProblem)
    plan = recorder.plan(iter([SetWeight(("a",), 2)]))
    assert isinstance(plan, TreePlan)
    recorder.apply(plan)
    again = Scheduler(settings)
    assert replay(log, again) == 3
    assert again.tree.leaf(("a",)).weight == 2


def test_another_policy_does_not_answer_the_same() -> None:
    log = recorded(SchedulerSettings(tenants=TENANTS), seed=1, steps=1_000)
    other = SchedulerSettings(tenants=TENANTS, policy=compose("fcfs"))
    with pytest.raises(AssertionError, match=r"call \d+, next: was .*, is .*"):
        replay(log, Scheduler(other))


def test_every_call_that_changes_the_scheduler_is_recorded() -> None:
    surface = {name for name in vars(Scheduler) if not name.startswith("_")}
    assert surface - QUESTIONS == set(vars(Recorder)) & surface
