"""The share tree changes while it is in use. At random: `changing_machine.py`, run by
`test_every_preset.py`."""

import pytest

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, Usage
from evenhand.scheduling import (
    PRESETS,
    AddTenant,
    MoveTenant,
    RemoveTenant,
    Scheduler,
    SchedulerSettings,
    SetWeight,
    TenantShare,
    TreeChange,
    TreePlan,
    TreeProblem,
    compose,
)
from properties.machine_ground import COST

M, E = ModelName("m"), EngineName("e")


def core_of(*tenants: TenantShare, preset: str = "vtc") -> Scheduler:
    policy = compose(preset, prediction="none")
    core = Scheduler(SchedulerSettings(tenants=tenants, policy=policy, cost=COST))
    core.engine_changed(E, window=1, models=[M])
    return core


def request(name: str, *tenant: str) -> Request:
    return Request(
        id=RequestId(name),
        tenant=tenant,
        model=M,
        body_bytes=1,
        prompt_tokens=10,
        output_tokens_max=0,
        queue_wait_ms_max=10**9,
    )


def serve(core: Scheduler) -> str:
    started = core.next(0)
    assert started is not None
    core.settle(started.request.id, Usage(10, 0), Outcome.COMPLETED, 0)
    return str(started.request.id)


def apply(core: Scheduler, *changes: TreeChange) -> None:
    plan = core.plan(changes)
    assert isinstance(plan, TreePlan)
    core.apply(plan)


def test_a_new_weight_counts_from_now_on() -> None:
    core = core_of(TenantShare(name="a"), TenantShare(name="b"))
    for number in range(40):
        core.submit(request(f"a{number}", "a"), 0)
        core.submit(request(f"b{number}", "b"), 0)
    for _ in range(20):
        serve(core)
    apply(core, SetWeight(("a",), 3))
    served = "".join(serve(core)[0] for _ in range(20))
    assert served.count("a") == 15


def test_moving_a_tenant_takes_its_requests_along_in_their_order() -> None:
    core = core_of(
        TenantShare(name="x", children=(TenantShare(name="p"), TenantShare(name="q"))),
        TenantShare(name="y", children=(TenantShare(name="r"),)),
    )
    for number in range(3):
        core.submit(request(f"p{number}", "x", "p"), 0)
    running = core.next(0)
    assert running is not None
    apply(core, MoveTenant(("x", "p"), ("y",)))
    old, new = core.tree.find(("x",)), core.tree.find(("y",))
    assert old is not None
    assert new is not None
    assert (old.service_units, old.running_requests, old.queued_requests) == (0, 0, 0)
    assert (new.service_units, new.running_requests, new.queued_requests) == (100, 1, 2)
    core.settle(running.request.id, Usage(10, 0), Outcome.COMPLETED, 0)
    assert [serve(core), serve(core)] == ["p1", "p2"]
    assert core.tree.leaf(("y", "p")).service_units == 300


def test_a_removed_tenant_drains_first() -> None:
    core = core_of(TenantShare(name="a"), TenantShare(name="b"))
    core.submit(request("a1", "a"), 0)
    apply(core, RemoveTenant(("a",)))
    assert core.tree.find(("a",)) is not None
    assert serve(core) == "a1"
    core.submit(request("b1", "b"), 5_000)
    core.next(5_000)
    assert core.tree.find(("a",)) is None


def test_a_tenant_taken_out_leaves_nothing_to_its_namesake() -> None:
    core = core_of(TenantShare(name="a"), TenantShare(name="b"))
    core.submit(request("a1", "a"), 0)
    serve(core)
    apply(core, RemoveTenant(("a",)))
    apply(core, AddTenant((), TenantShare(name="a", weight=5)))
    leaf = core.tree.leaf(("a",))
    assert (leaf.weight, leaf.service_units, leaf.virtual) == (5, 0, 0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (SetWeight(("z",), 1), "There is no tenant z"),
        (SetWeight(("a",), 0), "must be from 1 to 10000, not 0"),
        (SetWeight(("a",), -3), "must be from 1 to 10000, not -3"),
        (AddTenant((), TenantShare(name="a")), "a exists already"),
        (AddTenant(("a",), TenantShare(name="k")), "has requests open"),
        (AddTenant(("q",), TenantShare(name="k")), "There is no tenant q"),
        (AddTenant((), TenantShare(name="n", children=(TenantShare(name="k"),) * 2)), "n/k exists"),
        (MoveTenant(("x",), ("x", "p")), "beneath itself"),
        (MoveTenant(("x", "p"), ("a",)), "has requests open"),
        (MoveTenant(("x", "p"), ("nobody",)), "There is no tenant nobody"),
        (RemoveTenant(()), "There is no tenant the root"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_bad_plan_is_refused_whole(change: TreeChange, says: str) -> None:
    core = core_of(TenantShare(name="a"), TenantShare(name="x", children=(TenantShare(name="p"),)))
    core.submit(request("a1", "a"), 0)
    before = core.tree.version
    problem = core.plan([SetWeight(("x",), 2), change])
    assert isinstance(problem, TreeProblem)
    assert problem.change == change
    assert says in problem.message
    assert core.tree.version == before
    assert core.tree.root.children["x"].weight == 1


def test_a_plan_sees_the_changes_before_it() -> None:
    core = core_of(TenantShare(name="a"), TenantShare(name="b"))
    apply(
        core,
        AddTenant((), TenantShare(name="org")),
        MoveTenant(("a",), ("org",)),
        SetWeight(("org", "a"), 4),
        RemoveTenant(("b",)),
    )
    assert [node.path for node in core.tree.nodes()] == [(), ("org",), ("org", "a")]
    problem = core.plan([RemoveTenant(("org",))])
    assert isinstance(problem, TreeProblem)
    assert "last tenant" in problem.message


def test_the_last_tenant_stays_although_one_beneath_it_is_leaving() -> None:
    org = TenantShare(name="org", children=(TenantShare(name="a"), TenantShare(name="b")))
    core = core_of(org, TenantShare(name="c"))
    core.submit(request("a1", "org", "a"), 0)
    apply(core, RemoveTenant(("org", "a")))
    apply(core, RemoveTenant(("c",)))
    assert isinstance(core.plan([RemoveTenant(("org",))]), TreeProblem)


@pytest.mark.parametrize("preset", PRESETS)
def test_who_waits_and_is_moved_beside_its_old_parent_is_served_once(preset: str) -> None:
    org = TenantShare(name="org", children=(TenantShare(name="a"), TenantShare(name="b")))
    core = core_of(org, TenantShare(name="c"), preset=preset)
    core.submit(request("a1", "org", "a"), 0)
    core.submit(request("c1", "c"), 0)
    apply(core, MoveTenant(("org", "a"), ()))
    assert sorted([serve(core), serve(core)]) == ["a1", "c1"]
    assert core.next(0) is None


def test_who_was_moved_away_is_not_asked_for_beneath_its_old_parent() -> None:
    org = TenantShare(name="org", children=(TenantShare(name="a"), TenantShare(name="b")))
    core = core_of(org, TenantShare(name="c"), preset="dlpm")
    core.submit(request("a1", "org", "a"), 0)
    core.submit(request("b1", "org", "b"), 0)
    apply(core, MoveTenant(("org", "a"), ()))
    head = core._queue.head(core.tree.root.children["org"], core.capacity.pool(M), None)  # type: ignore[attr-defined]
    assert head[2].request.id == "b1"
