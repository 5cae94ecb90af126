"""Throttling: who is refused, when, and what is told."""

from hypothesis import given
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
from evenhand.scheduling import Lane, Scheduler, SchedulerSettings, TenantShare, compose
from evenhand.scheduling.decisions import Refusal

M, IDLE = ModelName("m"), ModelName("idle")
E = EngineName("e")
UNITS = 1_000
"""What each request costs: 100 tokens of input at 10."""
TREE = (
    TenantShare(name="flood"),
    TenantShare(name="modest"),
    TenantShare(name="org", children=(TenantShare(name="x"), TenantShare(name="y"))),
)


class World:
    """One engine that serves one request a second, as long as somebody calls `seconds`."""

    def __init__(
        self, preset: str = "fairserve", lanes: tuple[Lane, ...] = (), **dials: int
    ) -> None:
        policy = compose(preset, prediction="none", settings=dials)
        self.core = Scheduler(SchedulerSettings(tenants=TREE, policy=policy, lanes=lanes))
        self.core.engine_changed(E, window=1, models=[M])
        self.core.engine_changed(EngineName("other"), window=1, models=[IDLE])
        self.now_ms = 0
        self.count = 0
        self.running: RequestId | None = None
        self.served: list[RequestId] = []

    def ask(
        self,
        tenant: str = "flood",
        interaction: str = "",
        model: ModelName = M,
        lane: str = "",
        **more: int,
    ) -> Refusal | None:
        self.count += 1
        request = Request(
            id=RequestId(f"{tenant}-{self.count}"),
            tenant=tuple(tenant.split("/")),
            model=model,
            body_bytes=1,
            prompt_tokens=100,
            output_tokens_max=0,
            queue_wait_ms_max=10**9,
            interaction=InteractionId(interaction),
            lane=LaneName(lane),
            calls_declared=more.get("declared"),
        )
        engine = self.core.start_at_once(request, self.now_ms)
        if engine == E:
            self.running = request.id
        if engine is not None:
            return None
        refused = self.core.submit(request, self.now_ms).refused
        self.pump()
        return refused

    def pump(self) -> None:
        if self.running is None and (started := self.core.next(self.now_ms)) is not None:
            self.running = started.request.id

    def seconds(self, count: int) -> None:
        for _ in range(count):
            self.now_ms += 1_000
            if self.running is not None:
                usage = Usage(100, 0)
                self.core.settle(self.running, usage, Outcome.COMPLETED, self.now_ms)
                self.served.append(self.running)
                self.running = None
            self.pump()

    def overloaded(self) -> "World":
        """Ten seconds with far more than the engine can do, all of one tenant."""
        for _ in range(10):
            for _ in range(4):
                self.ask()
            self.seconds(1)
        status = self.core.overload()
        assert status is not None
        assert status.is_overloaded
        return self


def test_the_flood_may_begin_nothing_new_and_the_modest_may() -> None:
    world = World().overloaded()
    refused = world.ask("flood", "new")
    assert refused is not None
    assert refused.outcome is Outcome.THROTTLED
    assert "overloaded" in refused.message
    for _ in range(5):
        assert world.ask("modest", f"new {world.count}") is None


def test_who_is_within_its_share_of_each_level_is_let_in() -> None:
    world = World().overloaded()
    for _ in range(4):
        assert world.ask("org/x") is None
    # Half of the engine, and of that half: at 1/4 of a request a second, two take 8 s.
    assert world.ask("org/y") is None
    told = [world.ask("org/y") for _ in range(5)]
    assert told[0] is None
    assert told[-1] is not None


def test_later_calls_of_an_interaction_are_let_in_up_to_the_cap() -> None:
    world = World(interaction_calls_max=5)
    world.ask("flood", "long")
    world.overloaded()
    told = [world.ask("flood", "long") is None for _ in range(5)]
    assert told == [True] * 4 + [False], "four later calls, then it counts as a first one"
    assert world.ask("modest", "long") is None
    assert world.ask("flood", "short") is not None


def test_an_endless_interaction_gains_no_more_calls_than_the_cap() -> None:
    world = World(interaction_calls_max=5)
    world.ask("flood", "endless")
    world.overloaded()
    admitted = sum(world.ask("flood", "endless") is None for _ in range(200))
    assert admitted <= 5


def test_a_refused_interaction_leaves_no_trace() -> None:
    world = World().overloaded()
    open_before = world.core.open_requests()
    for _ in range(3):
        assert world.ask("flood", "refused") is not None, "and does not become one in progress"
    assert world.core.open_requests() == open_before
    status = world.core.overload()
    assert status is not None
    before = status.throttled
    world.ask("flood", "refused")
    status = world.core.overload()
    assert status is not None
    assert status.throttled == before + 1


def test_who_comes_back_at_the_time_told_is_let_in() -> None:
    world = World().overloaded()
    refused = world.ask("flood", "new")
    assert refused is not None
    assert refused.retry_after_ms is not None
    assert refused.retry_after_ms % 1000 == 0
    world.seconds(refused.retry_after_ms // 1000 - 1)
    assert world.ask("flood", "new") is not None, "not much earlier"
    world.seconds(1)
    assert world.ask("flood", "new") is None


@given(more=st.integers(0, 40), modest=st.integers(0, 6), x=st.integers(0, 6), y=st.integers(0, 6))
def test_the_time_told_is_honest_whoever_else_waits(more: int, modest: int, x: int, y: int) -> None:
    """To a round of the tenants: whoever else waits now may be served first at the end of it."""
    world = World()
    world.ask("flood", "long")
    world.overloaded()
    for _ in range(more):
        assert world.ask("flood", "long") is None
    for tenant, count in (("modest", modest), ("org/x", x), ("org/y", y)):
        for _ in range(count):
            world.ask(tenant)
    refused = world.ask("flood", "new")
    assert refused is not None
    assert refused.retry_after_ms is not None
    world.seconds(refused.retry_after_ms // 1000 + 3)
    assert world.ask("flood", "new") is None


def test_a_short_burst_is_no_overload() -> None:
    world = World()
    world.ask()
    world.seconds(2)
    for _ in range(500):
        assert world.ask() is None


def test_a_shut_window_alone_is_no_overload() -> None:
    world = World(overload_sustained_s=0)
    for _ in range(60):
        while world.core.backlog.requests < 9:
            assert world.ask() is None
        world.seconds(1)


def test_without_a_measured_rate_nobody_is_throttled() -> None:
    world = World(overload_sustained_s=0, overload_target_s=1)
    for _ in range(100):
        assert world.ask() is None
    status = world.core.overload()
    assert status is not None
    assert status.drain_ms is None
    assert not status.is_overloaded


def test_whoever_finds_a_free_slot_takes_it() -> None:
    world = World().overloaded()
    assert world.ask("flood", model=IDLE) is None
    assert world.ask("flood", model=IDLE) is not None, "it is taken now"


def test_the_overload_ends_below_seven_tenths_of_the_target() -> None:
    world = World().overloaded()
    last = []
    while (status := world.core.overload()) is not None and status.is_overloaded:
        last = [status.drain_ms]
        world.seconds(1)
    assert last == [7_000]
    assert status is not None
    assert status.drain_ms == 6_000


def test_a_flood_is_held_at_the_target_and_the_engine_is_kept_busy() -> None:
    world = World().overloaded()
    waiting = []
    served = len(world.served)
    for _ in range(60):
        for _ in range(4):
            world.ask("flood", f"new {world.count}")
        waiting.append(world.core.backlog.requests)
        world.seconds(1)
    assert len(world.served) - served == 60
    assert max(waiting[30:]) <= 10


def backlog_at_which_it_is_refused(world: World, declared: int = 1) -> int:
    """Requests of `modest` that wait when its next interaction is refused."""
    while world.ask("modest", f"i{world.count}", declared=declared) is None:
        assert world.count < 1_000
    return world.core.tree.leaf(("modest",)).queued_requests


def test_a_long_chain_is_refused_earlier_but_never_within_the_share() -> None:
    """At half the rate, 10 s of work are 5 requests, and the 70 % within the share are 3.5."""
    short = backlog_at_which_it_is_refused(World().overloaded())
    long = backlog_at_which_it_is_refused(World().overloaded(), declared=1_000_000)
    assert (short, long) == (5, 4)


def test_asking_how_loaded_the_engines_are_changes_nothing() -> None:
    asked, unasked = World(), World()
    for world in (asked, unasked):
        for _ in range(30):
            for _ in range(3):
                world.ask()
                if world is asked:
                    world.core.overload()
            world.seconds(1)
    assert asked.core.overload() == unasked.core.overload()
    assert asked.served == unasked.served


LANES = (Lane(name=LaneName("chat"), ttft_ms_target=2_000), Lane(name=LaneName("batch")))


def flooded(lane: str, *, seconds: int, lanes: tuple[Lane, ...] = LANES) -> World:
    """In that lane one tenant has four times more than the engine can do, for so long."""
    world = World(lanes=lanes)
    for _ in range(seconds):
        for _ in range(4):
            world.ask(lane=lane)
        world.seconds(1)
    return world


def test_a_lane_is_overloaded_by_what_waits_in_it_and_before_it() -> None:
    world = flooded("batch", seconds=20)
    status = world.core.overload()
    assert status is not None
    assert status.lanes == ("batch",), "a flood below is none of the chat's"
    assert world.ask("flood", "new", lane="batch") is not None
    assert world.ask("flood", "new", lane="chat") is None
    chat, batch = LANES
    world = flooded("batch", seconds=7, lanes=(batch, chat))
    status = world.core.overload()
    assert status is not None
    assert status.lanes == ("chat",), "it goes after the flood, and wants to be sooner"
    assert world.ask("flood", "new", lane="chat") is not None
    assert world.ask("flood", "new", lane="batch") is None
    assert world.ask("modest", "new", lane="chat") is None


def test_how_soon_a_lane_wants_its_first_tokens_is_its_target() -> None:
    # After 7 s with 4 requests for each that is served the queue takes longer than 2 s, since 6 s; it
    # takes 10 s only since the last ones.
    for lane, lanes in (("chat", ("chat",)), ("batch", ())):
        status = flooded(lane, seconds=7).core.overload()
        assert status is not None
        assert status.lanes == lanes
        assert status.is_overloaded == bool(lanes)


def test_other_policies_do_not_look_for_overload() -> None:
    for preset in ("vtc", "fcfs", "rpm", "tpm"):
        assert World(preset).core.overload() is None
