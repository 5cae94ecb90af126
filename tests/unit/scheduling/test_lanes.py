"""The lane rule case by case, what is paid in a lane, and earliest deadline first within a tenant."""

from typing import Any

import pytest

from evenhand.model import EngineName, LaneName, ModelName, Outcome, Request, RequestId, Usage
from evenhand.scheduling import (
    Lane,
    QueueLimits,
    Refusal,
    Scheduler,
    SchedulerSettings,
    TenantShare,
    TokenWeights,
    compose,
    priced,
)

ENGINE, OTHER = EngineName("e"), EngineName("e2")
MODEL = ModelName("m")


class Desk:
    """A scheduler with one engine, whose requests are called by lane and number."""

    def __init__(
        self, *lanes: Lane, window: int, queue: str = "fifo", limits: QueueLimits | None = None
    ) -> None:
        tenants = (TenantShare(name="a"), TenantShare(name="b"))
        self.core = Scheduler(
            SchedulerSettings(
                tenants=tenants,
                lanes=lanes,
                policy=compose(queue=queue, prediction="none"),
                limits=limits or QueueLimits(),
                cost=TokenWeights(input=10, cached_input=1, output=20),
            )
        )
        self.core.engine_changed(ENGINE, window=window, models=[MODEL])
        self.count = 0
        self.shed: list[Refusal] = []

    def come(self, lane: str, now_ms: int = 0, **more: object) -> str:
        request = self.request(lane, **more)
        submission = self.core.submit(request, now_ms)
        assert submission.refused is None
        self.shed += submission.shed
        return request.id

    def request(self, lane: str, **more: object) -> Request:
        self.count += 1
        values = {
            "id": RequestId(f"{lane} {self.count}"),
            "tenant": ("a",),
            "lane": LaneName(lane),
            "model": MODEL,
            "body_bytes": 1,
            "prompt_tokens": 7,
            "queue_wait_ms_max": 10**6,
        }
        return Request(**(values | more))  # type: ignore[arg-type]

    def started(self, now_ms: int = 0) -> list[str]:
        """Lanes, in order of starts."""
        lanes = []
        while (start := self.core.next(now_ms)) is not None:
            lanes.append(str(start.request.lane))
        return lanes

    def end(self, lane: str, now_ms: int = 0) -> list[str]:
        """One that runs in the lane ends; who starts then."""
        running = (t for t in self.core._tickets.values() if t.engine is not None)
        rid = next(t.request.id for t in running if t.request.lane == lane)
        self.core.settle(rid, Usage(7, 0), Outcome.COMPLETED, now_ms)
        return self.started(now_ms)

    def in_flight(self) -> dict[str, int]:
        return {str(lane.name): lane.in_flight for lane in self.core.lane_standings(0)}


def lane(name: str, **more: Any) -> Lane:
    return Lane(name=LaneName(name), **more)


def test_the_first_lane_goes_first_and_nothing_idles() -> None:
    desk = Desk(lane("fast"), lane("slow"), window=3)
    desk.come("slow")
    desk.come("slow")
    desk.come("fast")
    desk.come("slow")
    assert desk.started() == ["fast", "slow", "slow"]
    assert desk.end("fast") == ["slow"]


def test_a_floor_that_is_kept_free_is_there_at_once() -> None:
    desk = Desk(lane("chat", floor_percent=25, keeps_floor_free=True), lane("bulk"), window=4)
    for _ in range(9):
        desk.come("bulk")
    assert desk.started() == ["bulk"] * 3
    first = desk.come("chat")
    assert desk.started() == ["chat"], "nothing had to end"
    desk.come("chat")
    assert desk.end("chat") == ["chat"], "the lane goes first, too"
    assert desk.end("chat") == [], "free again, and nobody else's"
    assert desk.end("bulk") == ["bulk"]
    assert first


def test_a_kept_floor_costs_nothing_while_it_is_used() -> None:
    desk = Desk(lane("chat", floor_percent=50, keeps_floor_free=True), lane("bulk"), window=4)
    for _ in range(3):
        desk.come("chat")
    for _ in range(4):
        desk.come("bulk")
    assert desk.started() == ["chat"] * 3 + ["bulk"]


def test_whoever_comes_alone_finds_a_kept_floor_taken() -> None:
    desk = Desk(lane("chat", floor_percent=50, keeps_floor_free=True), lane("bulk"), window=2)
    assert desk.core.start_at_once(desk.request("bulk"), 0) == ENGINE
    assert desk.core.start_at_once(desk.request("bulk"), 0) is None
    assert desk.core.start_at_once(desk.request("chat"), 0) == ENGINE


def test_below_its_floor_a_lane_goes_first_and_the_one_furthest_below_before() -> None:
    desk = Desk(
        lane("fast"), lane("low", floor_percent=20), lane("high", floor_percent=40), window=10
    )
    for name in ("fast", "low", "high"):
        for _ in range(10):
            desk.come(name)
    # Of nothing, both have the same part; then the parts decide, half against a quarter.
    assert desk.started() == ["low", "high", "high", "low", "high", "high"] + ["fast"] * 4
    assert desk.end("high") == ["high"]
    assert desk.end("fast") == ["fast"]


def test_beyond_its_ceiling_a_lane_borrows_what_nobody_wants_and_gives_it_back() -> None:
    desk = Desk(lane("fast", ceiling_percent=50), lane("slow"), window=4)
    for _ in range(8):
        desk.come("fast")
    assert desk.started() == ["fast"] * 4
    for _ in range(4):
        desk.come("slow")
    assert [desk.end("fast") for _ in range(3)] == [["slow"], ["slow"], ["fast"]]
    assert desk.in_flight() == {"fast": 2, "slow": 2}


def test_a_late_lane_exceeds_its_ceiling_at_the_cost_of_those_after_it_only() -> None:
    lanes = (
        lane("first"),
        lane("late", ceiling_percent=25, ttft_ms_target=100),
        lane("last", floor_percent=25),
    )
    desk = Desk(*lanes, window=4)
    for _ in range(8):
        desk.come("late")
        desk.come("last")
    assert desk.started(0) == ["last", "late", "last", "last"]
    assert desk.end("last", 100) == ["last"], "not late yet"
    assert desk.end("last", 101) == ["late"]
    desk.come("first", 101)
    assert desk.end("late", 101) == ["first"]
    assert desk.end("last", 101) == ["late"]
    assert desk.in_flight() == {"first": 1, "late": 2, "last": 1}
    assert desk.end("last", 101) == ["last"], "what its floor secures is not taken"


def test_a_lane_without_a_deadline_keeps_to_its_ceiling_however_long_it_waits() -> None:
    desk = Desk(lane("fast", ceiling_percent=25), lane("slow", ageing_ms=10**9), window=4)
    for _ in range(6):
        desk.come("fast")
        desk.come("slow")
    assert desk.started() == ["fast", "slow", "slow", "slow"]
    assert desk.end("slow", 10**6) == ["slow"]


def test_who_has_been_passed_over_for_long_gets_one_start() -> None:
    desk = Desk(lane("fast"), lane("slow", ageing_ms=1_000), window=1)
    for _ in range(8):
        desk.come("fast")
        desk.come("slow")
    assert desk.started(0) == ["fast"]
    assert desk.end("fast", 999) == ["fast"]
    assert desk.end("fast", 1_000) == ["slow"]
    assert desk.end("slow", 1_500) == ["fast"], "its clock starts when it is passed over again"
    assert desk.end("fast", 2_499) == ["fast"]
    assert desk.end("fast", 2_500) == ["slow"]


def test_long_service_alone_makes_no_lane_due() -> None:
    """A lane that nobody was preferred to does not go before a higher one, however long it waited."""
    desk = Desk(lane("fast"), lane("slow", ageing_ms=1_000), window=1)
    desk.come("slow")
    desk.come("slow")
    assert desk.started(0) == ["slow"]
    desk.come("fast", 50_000)
    assert desk.end("slow", 60_000) == ["fast"]


def test_one_start_for_a_model_does_not_stand_for_another() -> None:
    """A lane that starts on one engine all the time may still starve on another."""
    desk = Desk(lane("fast"), lane("slow", ageing_ms=1_000), window=1)
    second = ModelName("m2")
    desk.core.engine_changed(OTHER, window=1, models=[second])
    for _ in range(3):
        desk.come("fast")
        desk.come("slow")
    desk.come("slow", model=second)
    assert desk.started(0) == ["fast", "slow"]
    assert desk.end("fast", 1_000) == ["slow"], "on the first engine it was passed over"


def test_at_its_ceiling_a_lane_ages_only_where_nothing_of_it_runs() -> None:
    desk = Desk(lane("fast"), lane("slow", ceiling_percent=50, ageing_ms=1_000), window=4)
    for _ in range(9):
        desk.come("slow")
    assert desk.started(0) == ["slow"] * 4
    for _ in range(9):
        desk.come("fast")
    assert desk.end("slow", 0) == ["fast"]
    assert desk.end("slow", 2_000) == ["fast"]
    assert desk.end("fast", 2_000) == ["fast"], "due, but it has its fill"
    assert desk.end("slow", 2_000) == ["slow"]


def test_at_its_ceiling_a_lane_still_starts_where_nothing_of_it_runs() -> None:
    desk = Desk(lane("fast"), lane("slow", ceiling_percent=50, ageing_ms=1_000), window=1)
    second = ModelName("m2")
    desk.core.engine_changed(OTHER, window=1, models=[second])
    desk.come("slow", model=second)
    for _ in range(3):
        desk.come("fast")
        desk.come("slow")
    assert desk.started(0) == ["fast", "slow"], "the lane has its one slot, on the other engine"
    assert desk.end("fast", 999) == ["fast"]
    assert desk.end("fast", 1_000) == ["slow"]


def test_the_clock_stands_while_nobody_waits() -> None:
    desk = Desk(lane("fast"), lane("slow", ageing_ms=1_000), window=1)
    for _ in range(4):
        desk.come("fast")
    left = desk.come("slow")
    assert desk.started(0) == ["fast"]
    desk.core.cancel(RequestId(left), 500)
    desk.come("slow", 600)
    assert desk.end("fast", 1_000) == ["fast"]
    assert desk.end("fast", 1_999) == ["fast"]
    assert desk.end("fast", 2_000) == ["slow"]


def test_a_tenant_that_must_give_up_a_request_loses_one_of_its_last_lane() -> None:
    desk = Desk(lane("fast"), lane("slow"), window=1, limits=QueueLimits(requests_max=3))
    for name in ("slow", "slow", "slow", "fast"):
        desk.come(name)
    assert desk.started() == ["fast"]
    desk.come("fast")
    desk.come("fast")
    assert [refusal.request.id for refusal in desk.shed] == ["slow 3", "slow 2"]


def test_a_second_try_keeps_its_lane() -> None:
    desk = Desk(lane("fast"), lane("slow"), window=1)
    desk.core.engine_changed(OTHER, window=1, models=[MODEL])
    rid = desk.come("slow")
    assert desk.started() == ["slow"]
    desk.come("slow")
    assert desk.started() == ["slow"]
    desk.come("fast")
    assert desk.core.try_again_elsewhere(RequestId(rid), 5)
    assert desk.started(5) == ["fast"]
    standings = {str(x.name): x for x in desk.core.lane_standings(9)}
    assert (standings["slow"].waiting, standings["slow"].oldest_wait_ms) == (1, 4)
    assert desk.in_flight() == {"fast": 1, "slow": 1}


@pytest.mark.parametrize("percent", [1, 33, 100, 250])
def test_time_in_a_lane_is_paid_at_its_price_exactly(percent: int) -> None:
    desk = Desk(lane("fast", price_percent=percent), window=1)
    rid = RequestId(desk.come("fast"))
    desk.started()
    account = desk.core.tree.leaf(("a",))
    for tokens in range(1, 30):
        desk.core.produced(rid, 1, 0)
        assert account.service_units == priced(70 + tokens * 20, percent)
    settled = desk.core.settle(rid, Usage(9, 40), Outcome.COMPLETED, 0)
    assert settled.units == account.service_units == priced(90 + 800, percent)


def test_a_price_is_rounded_up_so_that_no_work_is_free() -> None:
    assert [priced(units, 33) for units in (0, 1, 3, 4, 100)] == [0, 1, 1, 2, 33]


def test_floors_fit_into_the_window_and_every_lane_may_have_a_slot() -> None:
    for window in range(1, 20):
        assert 3 * lane("x", floor_percent=33).floor_slots(window) <= window
        assert lane("x", ceiling_percent=1).ceiling_slots(window) == 1
    assert lane("x", floor_percent=30, ceiling_percent=30).floor_slots(9) == 2
    assert lane("x", floor_percent=30, ceiling_percent=30).ceiling_slots(9) == 2


def test_a_lane_that_is_not_configured_is_the_hosts_fault() -> None:
    with pytest.raises(AssertionError, match="no lane is called fats"):
        Desk(lane("fast"), window=1).come("fats")


def test_without_lanes_any_name_will_do_and_there_are_no_standings() -> None:
    desk = Desk(window=1)
    desk.come("whatever")
    assert desk.started() == ["whatever"]
    assert desk.core.lane_standings(0) == ()


def order_of(desk: Desk, at: list[tuple[str, int, int | None]]) -> list[str]:
    """Names in order of starts: (name, arrival, own target) come while the engine is busy."""
    desk.come("fast")
    desk.started()
    names = {
        desk.come("fast", at_ms, ttft_ms_target=target_ms): name for name, at_ms, target_ms in at
    }
    order = []
    for _ in at:
        running = next(t for t in desk.core._tickets.values() if t.engine is not None)
        desk.core.settle(running.request.id, Usage(7, 0), Outcome.COMPLETED, 99)
        start = desk.core.next(99)
        assert start is not None
        order.append(names[start.request.id])
    return order


COMING: list[tuple[str, int, int | None]] = [
    ("patient", 0, None),
    ("also", 1, None),
    ("urgent", 50, 20),
    ("same", 60, 10),
    ("lazy", 5, 10**6),
]


def test_within_a_tenant_the_earliest_deadline_goes_first_and_ties_by_arrival() -> None:
    desk = Desk(lane("fast", ttft_ms_target=500), window=1, queue="edf")
    assert order_of(desk, COMING) == ["urgent", "same", "patient", "also", "lazy"]


def test_without_a_lanes_deadline_the_end_of_the_wait_is_one() -> None:
    desk = Desk(window=1, queue="edf")
    assert order_of(desk, COMING) == ["urgent", "same", "patient", "also", "lazy"]
    assert order_of(Desk(window=1), COMING) == ["patient", "also", "urgent", "same", "lazy"]


def test_a_second_try_keeps_the_deadline_of_the_first() -> None:
    desk = Desk(lane("fast", ttft_ms_target=500), window=1, queue="edf")
    desk.core.engine_changed(OTHER, window=1, models=[MODEL])
    first = RequestId(desk.come("fast", 0))
    other = RequestId(desk.come("fast", 0))
    assert desk.started(0) == ["fast", "fast"]
    later = desk.come("fast", 100)
    assert desk.core.try_again_elsewhere(first, 300)
    desk.core.engine_changed(ENGINE, window=0, models=[MODEL])
    desk.core.settle(other, Usage(7, 0), Outcome.COMPLETED, 300)
    start = desk.core.next(300)
    assert start is not None
    assert start.request.id == first != later
