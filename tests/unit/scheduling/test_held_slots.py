"""Slots that the host holds are given to nobody, and the engine counts as up all the same."""

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, Usage
from evenhand.scheduling import Scheduler, SchedulerSettings, TenantShare, compose

E = EngineName("e")
M = ModelName("m")


def a_core(window: int) -> Scheduler:
    core = Scheduler(SchedulerSettings(tenants=(TenantShare(name="a"),), policy=compose("vtc")))
    core.engine_changed(E, window=window, models=[M])
    return core


def request(name: str) -> Request:
    return Request(
        id=RequestId(name),
        tenant=("a",),
        model=M,
        body_bytes=1,
        prompt_tokens=10,
        output_tokens_max=5,
        queue_wait_ms_max=1_000,
    )


def test_whoever_comes_while_all_slots_are_held_waits_and_is_not_refused() -> None:
    core = a_core(window=1)
    core.engine_held(E, slots=1)
    assert core.start_at_once(request("r"), 0) is None
    assert core.submit(request("r"), 0).refused is None
    assert core.next(0) is None
    core.engine_held(E, slots=0)
    start = core.next(5)
    assert start is not None
    assert start.waited_ms == 5


def test_whoever_waits_behind_held_slots_ends_by_its_own_limit() -> None:
    core = a_core(window=2)
    core.engine_held(E, slots=2)
    assert core.submit(request("r"), 0).refused is None
    (refusal,) = core.expire(1_001)
    assert refusal.outcome is Outcome.QUEUED_TOO_LONG


def test_a_slot_that_is_freed_beneath_held_ones_is_not_given_away() -> None:
    core = a_core(window=2)
    for name in ("r0", "r1"):
        assert core.start_at_once(request(name), 0) == E
    core.engine_held(E, slots=2)
    core.settle(RequestId("r0"), Usage(10, 1), Outcome.COMPLETED, 1)
    assert core.start_at_once(request("r2"), 1) is None
    core.engine_held(E, slots=1)
    assert core.start_at_once(request("r2"), 1) is None, "one runs, one is held"
    core.settle(RequestId("r1"), Usage(10, 1), Outcome.COMPLETED, 2)
    assert core.start_at_once(request("r2"), 2) == E


def test_held_slots_outlast_a_change_of_the_window() -> None:
    core = a_core(window=1)
    core.engine_held(E, slots=1)
    core.engine_changed(E, window=0, models=[M])
    core.engine_changed(E, window=2, models=[M])
    assert core.start_at_once(request("r0"), 0) == E
    assert core.start_at_once(request("r1"), 0) is None


def test_an_engine_with_held_slots_counts_as_fuller() -> None:
    core = a_core(window=4)
    core.engine_changed(EngineName("f"), window=4, models=[M])
    core.engine_held(E, slots=2)
    chosen = [core.start_at_once(request(f"r{number}"), 0) for number in range(4)]
    assert chosen == ["f", "f", "e", "f"]
