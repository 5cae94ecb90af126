"""The short way of a request that need not wait has every effect of the long one, and no other."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.model import (
    EngineName,
    InteractionId,
    LaneName,
    ModelName,
    Outcome,
    Request,
    RequestId,
    Usage,
)
from evenhand.scheduling import (
    Lane,
    Node,
    QueueLimits,
    Scheduler,
    SchedulerSettings,
    TenantShare,
    compose,
    share_tree,
    tenant_paths,
)
from evenhand.scheduling.ticket import Ticket
from properties.machine_ground import TREES

MODELS = {"e1": ("m1",), "e2": ("m1", "m2"), "e3": ("m2", "m3")}
STEPS = 120


class Host:
    """Drives a scheduler as the dispatcher does, by the short way where it has one, or never."""

    def __init__(self, settings: SchedulerSettings, *, takes_short_way: bool) -> None:
        self.scheduler = Scheduler(settings)
        self.takes_short_way = takes_short_way
        self.at_once = 0
        self.running: dict[RequestId, Request] = {}
        self.waiting: dict[RequestId, Request] = {}
        self.told: list[tuple[Any, ...]] = []
        """Every decision, in order."""

    def submit(self, request: Request, now_ms: int) -> None:
        if self.takes_short_way:
            engine = self.scheduler.start_at_once(request, now_ms)
            if engine is not None:
                self.at_once += 1
                self._started(request, engine, 0)
                self.pump(now_ms)
                return
        submission = self.scheduler.submit(request, now_ms)
        if submission.refused is None:
            self.waiting[request.id] = request
        else:
            self.told.append(("refused", submission.refused))
        for refusal in submission.shed:
            del self.waiting[refusal.request.id]
            self.told.append(("shed", refusal))
        self.pump(now_ms)

    def pump(self, now_ms: int) -> None:
        while (start := self.scheduler.next(now_ms)) is not None:
            del self.waiting[start.request.id]
            self._started(*start)
        for refusal in self.scheduler.expire(now_ms):
            del self.waiting[refusal.request.id]
            self.told.append(("expired", refusal))

    def produce(self, request: Request, tokens: int, now_ms: int) -> None:
        self.scheduler.produced(request.id, tokens, now_ms)

    def settle(self, request: Request, usage: Usage, outcome: Outcome, now_ms: int) -> None:
        del self.running[request.id]
        self.told.append(self.scheduler.settle(request.id, usage, outcome, now_ms))

    def fail(self, request: Request, now_ms: int) -> None:
        again = self.scheduler.try_again_elsewhere(request.id, now_ms)
        self.told.append((request.id, again))
        if again:
            self.waiting[request.id] = self.running.pop(request.id)

    def cancel(self, request: Request, now_ms: int) -> None:
        del self.waiting[request.id]
        self.scheduler.cancel(request.id, now_ms)

    def change(self, name: str, window: int) -> None:
        models = [ModelName(model) for model in MODELS[name]]
        self.scheduler.engine_changed(EngineName(name), window=window, models=models)

    def state(self) -> dict[str, object]:
        """All that the scheduler will ever decide by."""
        core = self.scheduler
        return {
            "nodes": [node_state(node) for node in core.tree.nodes()],
            "engines": dict(core.capacity.engines),
            "free": core.capacity.free,
            "tickets": {key: ticket_state(ticket) for key, ticket in core._tickets.items()},
            "rate": (core._rate._mean_scaled, core._rate._units_before, core._rate.second_ends_ms),
            "input": core._charges.input._sums,
            "output": vars(core._charges.prediction),
            "backlog": (core.backlog.requests, core.backlog.bytes),
            "peak": core.request_units_peak,
            "lanes": lanes_state(core),
            "overload": core.overload(),
        }

    def _started(self, request: Request, engine: EngineName, waited_ms: int) -> None:
        self.running[request.id] = request
        self.told.append(("started", request, engine, waited_ms))


def lanes_state(core: Scheduler) -> object:
    if core._lanes is None:
        return None
    pools = {
        (pool.lane, *pool.engines): (
            load.in_flight,
            load.passed_ms,
            [t.sequence for t in load.waiting],
        )
        for pool, load in core._lanes._pools.items()
    }
    return core.lane_standings(0), pools


def node_state(node: Node) -> dict[str, object]:
    """Every slot, other nodes by their path."""
    known = {name: getattr(node, name) for name in Node.__slots__}
    for name in ("children", "parent", "lineage"):
        del known[name]
    known["views"] = {(pool.lane, *pool.engines): view._live for pool, view in node.views.items()}
    known["lifts"] = {(pool.lane, *pool.engines): lift for pool, lift in node.lifts.items()}
    known["waiting_pools"] = {(pool.lane, *pool.engines) for pool in node.waiting_pools}
    known["waiting_children"] = [child.path for child in node.waiting_children]
    known["last_left"] = {
        engine: (left.node.path, left.pool.lane, *left.pool.engines)
        for engine, left in node.last_left.items()
    }
    latest = node.left_latest
    known["left_latest"] = latest and (latest.node.path, latest.pool.lane, *latest.pool.engines)
    return known


def ticket_state(ticket: Ticket) -> dict[str, object]:
    known = {name: getattr(ticket, name) for name in Ticket.__slots__}
    del known["starts_before"]  # explains a wait; whoever starts at once has none
    return {**known, "leaf": ticket.leaf.path, "pool": (ticket.pool.lane, *ticket.pool.engines)}


Event = Callable[[Host, int], None]


def an_event(
    dice: random.Random, hosts: list[Host], leaves: list[tuple[str, ...]], step: int
) -> Event:
    """Something that can happen now, to both alike."""
    running, waiting = list(hosts[0].running.values()), list(hosts[0].waiting.values())
    usage = Usage(dice.randrange(60), dice.randrange(40), is_estimate=dice.random() < 0.2)
    outcome = dice.choice([Outcome.COMPLETED, Outcome.COMPLETED, Outcome.CANCELLED_RUNNING])
    request = Request(
        id=RequestId(f"r{step}"),
        tenant=dice.choice(leaves),
        model=ModelName(dice.choice(["m1", "m2", "m2", "m3", "none"])),
        body_bytes=dice.choice([0, 50, 400]),
        prompt_bytes=dice.randrange(300),
        prompt_tokens=dice.choice([None, dice.randrange(60)]),
        output_tokens_max=dice.choice([None, 0, 20]),
        choices=dice.choice([1, 1, 2]),
        lane=LaneName(dice.choice(["fast", "slow"])),
        queue_wait_ms_max=dice.choice([300, 3_000]),
        interaction=InteractionId(dice.choice(["", "i1", "i2"])),
    )
    kind = dice.choice(["submit"] * 4 + ["produce", "settle", "settle", "fail", "cancel", "change"])
    if kind == "submit":
        return lambda host, now: host.submit(request, now)
    if kind == "change":
        name, window = dice.choice(sorted(MODELS)), dice.choice([0, 1, 2, 4])
        return lambda host, now: host.change(name, window)
    if kind == "cancel" and waiting:
        left = dice.choice(waiting)
        return lambda host, now: host.cancel(left, now)
    if kind in {"produce", "settle", "fail"} and running:
        one, tokens = dice.choice(running), dice.randrange(15)
        if kind == "produce":
            return lambda host, now: host.produce(one, tokens, now)
        if kind == "fail":
            return lambda host, now: host.fail(one, now)
        return lambda host, now: host.settle(one, usage, outcome, now)
    # Not after every event, so that slots are free for a while for which somebody waits.
    return Host.pump


def started_at_once(preset: str, seed: int, lanes: tuple[Lane, ...] = ()) -> int:
    """Let the same happen to both hosts and compare them; how many took the short way."""
    dice = random.Random(seed)
    tree: tuple[TenantShare, ...] = dice.choice(TREES)
    settings = SchedulerSettings(
        tenants=tree,
        policy=compose(preset, prediction=dice.choice(["none", "running-mean"])),
        limits=QueueLimits(
            requests_max=12, bytes_max=2_000, tenant_requests_max=5, tenant_bytes_max=600
        ),
        output_tokens_default=dice.randrange(20),
        sheds=dice.random() < 0.7,
        lanes=lanes,
    )
    hosts = [Host(settings, takes_short_way=short) for short in (True, False)]
    short, long = hosts
    for host in hosts:
        for name in MODELS:
            host.change(name, 1)
    now_ms = 0
    for step in range(STEPS):
        now_ms += dice.choice([0, 0, 7, 300, 1_500])
        event = an_event(dice, hosts, list(tenant_paths(tree)), step)
        for host in hosts:
            event(host, now_ms)
        assert short.told == long.told
        assert short.state() == long.state()
    return short.at_once


@pytest.mark.parametrize("preset", ["vtc", "fcfs", "rpm", "tpm", "fairserve"])
@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_both_ways_decide_charge_and_count_alike(preset: str, seed: int) -> None:
    started_at_once(preset, seed)


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_both_ways_do_alike_with_lanes(seed: int) -> None:
    fast = Lane(name=LaneName("fast"), price_percent=250, ageing_ms=300, ceiling_percent=50)
    started_at_once("vtc", seed, (fast, Lane(name=LaneName("slow"), floor_percent=30)))


def test_the_short_way_is_taken() -> None:
    assert sum(started_at_once("vtc", seed) for seed in range(50)) > 50 * STEPS // 20


def test_control_a_short_way_without_the_lift_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share_tree.ShareTree, "pass_through", lambda *_: None)
    with pytest.raises(AssertionError):
        for seed in range(50):
            started_at_once("vtc", seed)
