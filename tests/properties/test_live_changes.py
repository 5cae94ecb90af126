"""The share tree changes while it is in use: nothing is lost, nothing is granted."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, TenantPath, Usage
from evenhand.scheduling import (
    PRESETS,
    VIRTUAL_PER_UNIT,
    AddTenant,
    MoveTenant,
    Node,
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
from properties.scheduler_machine import COST, OnePoolMachine, SchedulerMachine

WEIGHTS = st.sampled_from([1, 2, 3, 7, 10])


class ChangingMachine(SchedulerMachine):
    """Every promise of the machine, under changes; and the service of each leaf by our own books."""

    def __init__(self) -> None:
        super().__init__()
        self.added = 0
        self.received: dict[Node, int] = {}

    def plan(self, *changes: TreeChange) -> bool:
        """Whether it was applied."""
        plan = self.scheduler.plan(changes)
        if isinstance(plan, TreeProblem):
            assert plan.message.endswith(".")
            return False
        units = {node: node.service_units for node in self.scheduler.tree.nodes()}
        above: set[Node] = set()
        if isinstance(changes[0], MoveTenant):
            for path in (changes[0].path[:-1], changes[0].to):
                parent = self.scheduler.tree.find(path)
                assert parent is not None
                above.update(parent.lineage)
        gaps = {node: self._ahead(node) for node in units if node.parent is not None}
        self.scheduler.apply(plan)
        after = {node: node.service_units for node in self.scheduler.tree.nodes()}
        for node, before in units.items():
            # What runs beneath a moved node goes from its old ancestors to the new ones.
            if node in after and node not in above:
                assert after[node] == before, "service was granted or lost"
        if isinstance(changes[0], MoveTenant):
            moved_node = self.scheduler.tree.find((*changes[0].to, changes[0].path[-1]))
            assert moved_node is not None
            ahead = self._ahead(moved_node)
            if ahead is not None:
                assert ahead >= (gaps[moved_node] or 0), "moving paid a debt"
        self.leaves = [
            node.path
            for node in self.scheduler.tree.nodes()
            if not node.children and not any(above.is_leaving for above in node.lineage)
        ]
        return True

    def _ahead(self, node: Node) -> int | None:
        """How far it stands above the least of its waiting siblings; None: none waits."""
        assert node.parent is not None
        others = [
            sibling.counter(pool)
            for sibling in node.parent.children.values()
            for pool in sibling.waiting_pools
            if sibling is not node
        ]
        return max(0, node.highest_counter - min(others)) if others else None

    def _path(self, data: st.DataObject) -> TenantPath:
        nodes = list(self.scheduler.tree.nodes())
        return data.draw(st.sampled_from([node.path for node in nodes if node.path]))

    @rule(data=st.data(), weight=WEIGHTS)
    def weigh(self, data: st.DataObject, weight: int) -> None:
        path = self._path(data)
        if self.plan(SetWeight(path, weight)):
            node = self.scheduler.tree.find(path)
            assert node is not None
            assert node.weight == weight

    @rule(data=st.data(), weight=WEIGHTS)
    @precondition(lambda self: len(self.leaves) < 12)
    def add(self, data: st.DataObject, weight: int) -> None:
        parent = data.draw(st.sampled_from([(), self._path(data)]))
        self.added += 1
        self.plan(AddTenant(parent, TenantShare(name=f"n{self.added}", weight=weight)))

    @rule(data=st.data())
    @precondition(lambda self: len(self.leaves) > 2)
    def remove(self, data: st.DataObject) -> None:
        path = self._path(data)
        if any(leaf[: len(path)] != path for leaf in self.leaves):
            self.plan(RemoveTenant(path))

    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        path = self._path(data)
        self.plan(MoveTenant(path, data.draw(st.sampled_from([(), self._path(data)]))))

    @invariant()
    def charges_are_conserved(self) -> None:
        """At the root, as ever; at leaves, what is open and no more than what was ever settled."""
        if not hasattr(self, "scheduler"):
            return
        root = self.scheduler.tree.root
        assert root.service_units == self.settled_units + self.scheduler.open_units()
        for node in self.scheduler.tree.nodes():
            running = [r for r in self.running.values() if node in self._lineage(r)]
            open_units = sum(self.scheduler._tickets[r.id].units for r in running)
            assert node.service_units >= open_units

    @invariant()
    def who_is_gone_is_gone(self) -> None:
        if not hasattr(self, "scheduler"):
            return
        tree = self.scheduler.tree
        for node in tree.nodes():
            assert tree.find(node.path) is node
            assert (node.path in tree._leaves) == (not node.children and node is not tree.root)
            assert node.lineage == (node, *(node.parent.lineage if node.parent else ()))


class ChangingOnePoolMachine(ChangingMachine):
    """The bound holds on either side of a change: counters of those that wait stay within the gap."""

    models = OnePoolMachine.models
    engines = OnePoolMachine.engines
    window_max = OnePoolMachine.window_max

    @invariant()
    def counters_stay_within_the_bound(self) -> None:
        if not hasattr(self, "scheduler"):
            return
        units_max = max(self.scheduler.request_units_peak, 1)
        for parent in self.scheduler.tree.nodes():
            waiting = [c for c in parent.children.values() if c.queued_requests]
            if len(waiting) < 2:
                continue
            gap = self.scheduler.settings.policy.counter_gap_max(
                window=self.window_max, request_units_max=units_max, weight_min=1
            )
            assert gap is not None
            counters = [c.counter(pool) for c in waiting for pool in c.waiting_pools]
            assert max(counters) - min(counters) <= gap * VIRTUAL_PER_UNIT


TestChanging = ChangingMachine.TestCase
TestChangingOnePool = ChangingOnePoolMachine.TestCase


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
