"""Why a request waited: the starts that took its place, by whom, at which counters."""

import pytest

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, TenantPath, Usage
from evenhand.scheduling import (
    QueueLimits,
    Scheduler,
    SchedulerSettings,
    TenantShare,
    compose,
    history,
)

M, M2, E = ModelName("m"), ModelName("m2"), EngineName("e")
TREE = (
    TenantShare(name="x", weight=3, children=(TenantShare(name="p"), TenantShare(name="q"))),
    TenantShare(name="y"),
)


def core_of(
    *tenants: TenantShare, limits: QueueLimits | None = None, preset: str = "vtc"
) -> Scheduler:
    policy = compose(preset, prediction="none")
    settings = SchedulerSettings(tenants=tenants, policy=policy, limits=limits or QueueLimits())
    core = Scheduler(settings)
    core.engine_changed(E, window=1, models=[M])
    return core


def request(name: str, tenant: TenantPath, tokens: int = 10, model: ModelName = M) -> Request:
    return Request(
        id=RequestId(name),
        tenant=tenant,
        model=model,
        body_bytes=1,
        prompt_tokens=tokens,
        output_tokens_max=0,
        queue_wait_ms_max=60_000,
    )


def serve(core: Scheduler, now_ms: int) -> str:
    start = core.next(now_ms)
    assert start is not None
    tokens = start.request.prompt_tokens or 0
    core.settle(start.request.id, Usage(tokens, 0), Outcome.COMPLETED, now_ms + 1)
    return str(start.request.id)


def test_a_finished_request_tells_who_was_served_instead() -> None:
    core = core_of(*TREE)
    core.submit(request("p0", ("x", "p"), 100), 0)
    core.next(0)
    core.submit(request("p1", ("x", "p")), 1)
    core.submit(request("p2", ("x", "p")), 1)
    core.submit(request("q1", ("x", "q")), 1)
    core.submit(request("y1", ("y",)), 1)
    core.settle(RequestId("p0"), Usage(100, 0), Outcome.COMPLETED, 5)
    assert [serve(core, 10 * n) for n in range(1, 5)] == ["p1", "y1", "q1", "p2"]
    told = core.why(RequestId("p2"), 99)
    assert told is not None
    assert (told.state, told.waited_ms, told.is_whole, told.others) == ("started", 39, True, 0)
    by_tenant = {line.tenant: line for line in told.instead}
    assert {path: (line.gate, line.requests) for path, line in by_tenant.items()} == {
        ("y",): ("share", 1),
        ("x", "q"): ("share", 1),
        ("x", "p"): ("own", 1),
    }
    y = by_tenant["y",]
    assert (y.sibling, y.weight, y.own, y.own_weight) == (("y",), 1, ("x",), 3)
    assert (y.counter, y.units) == (333, 100)
    assert y.own_counter == (1_000 + 100 + 100) // 3
    q = by_tenant["x", "q"]
    assert (q.sibling, q.own) == (("x", "q"), ("x", "p"))
    assert q.counter <= q.own_counter


def test_a_waiting_request_for_which_no_slot_became_free_waits_for_the_window() -> None:
    core = core_of(*TREE)
    core.submit(request("p0", ("x", "p")), 0)
    core.next(0)
    core.submit(request("y1", ("y",)), 7)
    told = core.why(RequestId("y1"), 20)
    assert told is not None
    assert (told.state, told.gate, told.waited_ms, told.instead) == ("waiting", "window", 13, ())


def test_own_earlier_requests_are_told_apart_from_those_of_others() -> None:
    core = core_of(*TREE)
    for number in range(4):
        core.submit(request(f"y{number}", ("y",)), 0)
    for _ in range(2):
        serve(core, 5)
    told = core.why(RequestId("y3"), 9)
    assert told is not None
    assert (told.gate, told.queued_before) == ("own", 1)
    assert [(line.tenant, line.gate, line.requests) for line in told.instead] == [
        (("y",), "own", 2)
    ]


def test_starts_on_engines_that_it_cannot_use_took_no_place_of_its() -> None:
    core = core_of(TenantShare(name="a"), TenantShare(name="b"))
    core.engine_changed(EngineName("other"), window=1, models=[M2])
    core.submit(request("a0", ("a",)), 0)
    core.next(0)
    core.submit(request("a1", ("a",)), 0)
    core.submit(request("b1", ("b",), model=M2), 0)
    assert serve(core, 3) == "b1"
    told = core.why(RequestId("a1"), 9)
    assert told is not None
    assert (told.gate, told.instead) == ("window", ())


@pytest.mark.parametrize("way", ["refused", "shed", "expired"])
def test_a_refusal_is_remembered_with_its_words(way: str) -> None:
    limits = QueueLimits(requests_max=2, tenant_requests_max=2 if way == "refused" else 9)
    core = core_of(TenantShare(name="a"), TenantShare(name="b"), limits=limits)
    core.submit(request("a0", ("a",)), 0)
    core.next(0)
    for number in range(1, 4):
        core.submit(request(f"a{number}", ("a",)), 100)
    if way == "expired":
        core.expire(70_000)
    told = core.why(RequestId("a1" if way == "expired" else "a3"), 70_000)
    assert told is not None
    assert (told.state, told.gate) == ("refused", "limits")
    assert told.refusal is not None
    expected = {
        "refused": Outcome.TENANT_QUEUE_FULL,
        "shed": Outcome.SHED,
        "expired": Outcome.QUEUED_TOO_LONG,
    }
    assert told.refusal.outcome is expected[way]
    assert told.waited_ms == (69_900 if way == "expired" else 0)


def test_what_is_forgotten_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "STARTS_REMEMBERED", 5)
    monkeypatch.setattr(history, "REQUESTS_REMEMBERED", 3)
    core = core_of(TenantShare(name="a"), TenantShare(name="b"), preset="fcfs")
    core.submit(request("b0", ("b",)), 0)
    core.next(0)
    for number in range(8):
        core.submit(request(f"a{number}", ("a",)), 0)
    core.submit(request("b1", ("b",)), 0)
    core.settle(RequestId("b0"), Usage(10, 0), Outcome.COMPLETED, 1)
    for _ in range(8):
        serve(core, 2)
    told = core.why(RequestId("b1"), 9)
    assert told is not None
    assert not told.is_whole
    assert sum(line.requests for line in told.instead) == 5
    assert core.why(RequestId("a0"), 9) is None
    assert core.why(RequestId("a7"), 9) is not None


def test_a_crowd_is_counted_and_its_greatest_are_named() -> None:
    tenants = tuple(TenantShare(name=f"t{number:02}") for number in range(30))
    core = core_of(*tenants, TenantShare(name="z"))
    core.submit(request("z0", ("z",), 9_000), 0)
    core.next(0)
    core.submit(request("z1", ("z",)), 0)
    for number, tenant in enumerate(tenants):
        core.submit(request(f"r{number}", (tenant.name,), 10 + number), 0)
    core.settle(RequestId("z0"), Usage(9_000, 0), Outcome.COMPLETED, 1)
    for _ in tenants:
        serve(core, 2)
    told = core.why(RequestId("z1"), 9)
    assert told is not None
    assert len(told.instead) == 16
    assert told.others == 14
    assert told.instead[0].tenant == ("t29",)
