"""How far the shadow follows: to the earliest end that it cannot know yet, and no further."""

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, Usage
from evenhand.scheduling import SchedulerSettings, TenantShare, compose
from evenhand.scheduling.shadow import Shadow

ENGINE, MODEL = EngineName("e"), ModelName("m")
USAGE = Usage(1, 1)


def shadow_of(preset: str, *, window: int) -> Shadow:
    tenants = (TenantShare(name="a"), TenantShare(name="b"))
    shadow = Shadow(SchedulerSettings(tenants=tenants, policy=compose(preset)), tenants_max=10)
    shadow.engine_changed(ENGINE, window=window, models=[MODEL], now_ms=0)
    return shadow


def request(name: str, tenant: str = "a") -> Request:
    return Request(
        id=RequestId(name),
        tenant=(tenant,),
        model=MODEL,
        body_bytes=1,
        prompt_tokens=1,
        output_tokens_max=1,
        queue_wait_ms_max=10**9,
    )


def follow(shadow: Shadow, now_ms: int) -> int:
    """The shadow's time once it has followed as far as it can."""
    while shadow.advance(now_ms, steps_max=1):
        pass
    return shadow.observation().at_ms


def start(shadow: Shadow, name: str, now_ms: int) -> None:
    shadow.arrived(request(name), now_ms)
    shadow.started(RequestId(name), now_ms)


def end(shadow: Shadow, name: str, now_ms: int) -> None:
    shadow.ended(RequestId(name), USAGE, Outcome.COMPLETED, now_ms)


def test_a_long_answer_that_runs_in_both_worlds_holds_nothing_up() -> None:
    shadow = shadow_of("vtc", window=2)
    start(shadow, "long", 0)
    assert follow(shadow, 4_000) == 4_000
    start(shadow, "short", 5_000)
    end(shadow, "short", 5_100)
    assert follow(shadow, 10_000) == 10_000
    (row,) = shadow.observation().in_all
    assert row.arrival.waits.count == row.fair.waits.count == 1
    assert shadow.observation().remembered == 1


def test_time_at_an_engine_that_failed_counts_as_known() -> None:
    shadow = shadow_of("vtc", window=2)
    start(shadow, "twice", 0)
    shadow.returned(RequestId("twice"), 1_000)
    # It waits again in reality; in the shadow it has run for a second at least.
    assert follow(shadow, 3_000) == 1_000
    shadow.started(RequestId("twice"), 3_000)
    assert follow(shadow, 3_500) == 1_500
    end(shadow, "twice", 3_600)
    assert follow(shadow, 9_000) == 9_000
    (row,) = shadow.observation().in_all
    assert row.arrival.waits.total_ms == 2_000
    assert row.fair.waits.total_ms == 0


def test_who_is_started_earlier_than_in_reality_is_waited_for() -> None:
    shadow = shadow_of("vtc", window=1)
    start(shadow, "first", 0)
    for name in ("second", "third"):
        shadow.arrived(request(name), 10)
    shadow.arrived(request("modest", "b"), 20)
    end(shadow, "first", 100)
    shadow.started(RequestId("second"), 100)
    assert follow(shadow, 150) == 150
    end(shadow, "second", 200)
    shadow.started(RequestId("third"), 200)
    # Its turn came at 200 here. How long it takes is not known before it has really begun.
    assert follow(shadow, 290) == 200
    end(shadow, "third", 300)
    shadow.started(RequestId("modest"), 300)
    assert follow(shadow, 340) == 240
    end(shadow, "modest", 350)
    # So it ended at 250 here, and the third took its 100 ms after it.
    assert follow(shadow, 1_000) == 1_000
    modest = next(row for row in shadow.observation().in_all if row.tenant == ("b",))
    assert (modest.arrival.waits.total_ms, modest.fair.waits.total_ms) == (280, 180)


def test_an_answer_to_advance_comes_in_pieces() -> None:
    shadow = shadow_of("fcfs", window=1)
    for moment in range(10):
        start(shadow, f"r{moment}", moment * 10)
        end(shadow, f"r{moment}", moment * 10 + 5)
    pieces = 1
    while shadow.advance(1_000, steps_max=3):
        pieces += 1
    assert pieces == 7  # an engine at 0, then ten starts and ten ends: 20 moments
    (row,) = shadow.observation().in_all
    assert row.fair.waits.count == 10
