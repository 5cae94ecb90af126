"""A request that can run at some engines of its model alone: it goes there, waits for those, and holds
up nobody else."""

import pytest

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, Usage
from evenhand.scheduling import (
    PRESETS,
    Lane,
    Scheduler,
    SchedulerSettings,
    TenantShare,
    compose,
)
from evenhand.stores.event_log.event_form import request_form, request_of

M = ModelName("m")
E1, E2, E3 = EngineName("e1"), EngineName("e2"), EngineName("e3")
LANES = {"none": (), "two": (Lane(name="default"), Lane(name="later"))}  # type: ignore[arg-type]


def scheduler(policy: str = "vtc", lanes: str = "none") -> Scheduler:
    made = Scheduler(
        SchedulerSettings(
            tenants=(TenantShare(name="a"), TenantShare(name="b")),
            policy=compose(policy),
            lanes=LANES[lanes],
        )
    )
    for engine in (E1, E2, E3):
        made.engine_changed(engine, window=1, models=[M])
    return made


def request(name: str, *engines: EngineName) -> Request:
    return Request(
        id=RequestId(name),
        tenant=(name[0],),
        model=M,
        body_bytes=10,
        prompt_tokens=10,
        queue_wait_ms_max=1_000,
        engines=engines,
    )


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("policy", [*PRESETS])
def test_it_goes_to_one_of_them_and_waits_for_those(policy: str, lanes: str) -> None:
    core = scheduler(policy, lanes)
    for number in range(4):
        core.submit(request(f"a{number}", E2, E3), 0)
    placed = {start.engine: start.request.id for start in iter(lambda: core.next(0), None)}
    assert placed.keys() == {E2, E3}
    assert core.backlog.requests == 2
    core.submit(request("b0"), 0)
    free = core.next(0)
    assert free is not None
    assert (free.request.id, free.engine) == ("b0", E1)
    core.settle(RequestId("b0"), Usage(10, 1), Outcome.COMPLETED, 5)
    assert core.next(5) is None, "nobody who waits may run at e1"
    core.settle(placed[E2], Usage(10, 1), Outcome.COMPLETED, 5)
    again = core.next(5)
    assert again is not None
    assert again.engine == E2


@pytest.mark.parametrize("lanes", LANES)
def test_it_starts_there_at_once_or_not_at_once(lanes: str) -> None:
    core = scheduler(lanes=lanes)
    assert core.start_at_once(request("a0", E3), 0) == E3
    assert core.start_at_once(request("a1", E3), 0) is None
    assert core.start_at_once(request("b0"), 0) in (E1, E2)


def test_there_is_no_second_try_elsewhere() -> None:
    core = scheduler()
    assert core.start_at_once(request("a0", E3), 0) == E3
    assert not core.try_again_elsewhere(RequestId("a0"), 0)
    core.settle(RequestId("a0"), Usage(10, 0), Outcome.ENGINE_FAILED, 0)
    assert core.start_at_once(request("a1", E1, E3), 0) in (E1, E3)
    assert core.try_again_elsewhere(RequestId("a1"), 0)


def test_none_of_them_is_up() -> None:
    core = scheduler()
    core.engine_changed(E3, window=0, models=[M])
    refused = core.submit(request("a0", E3), 0).refused
    assert refused is not None
    assert refused.outcome is Outcome.NO_ENGINE


def test_a_log_tells_where() -> None:
    plain, pinned = request("a0"), request("a1", E1, E3)
    assert request_form(pinned)["engines"] == ["e1", "e3"]
    assert "engines" not in request_form(plain)
    assert [request_of(request_form(one)) for one in (plain, pinned)] == [plain, pinned]
