"""The suite that every policy must pass, and what this one is for."""

from dataclasses import replace

from evenhand.model import EngineName, ModelName, Request, RequestId
from evenhand.scheduling import Policy, Scheduler, SchedulerSettings, TenantShare
from evenhand.testing import check_policy
from shortest_first import POLICY

MODEL = ModelName("m")


def test_it_keeps_what_every_policy_must() -> None:
    check_policy(POLICY)


def started(policy: Policy, *arrivals: tuple[str, int, int]) -> list[str]:
    """In which order requests start that come at these milliseconds with prompts of so many tokens."""
    tenants = (TenantShare(name="a"), TenantShare(name="b"))
    scheduler = Scheduler(SchedulerSettings(tenants=tenants, policy=policy))
    scheduler.engine_changed(EngineName("e"), window=1, models=[MODEL])
    scheduler.start_at_once(request("first", 1), 0)
    for name, at_ms, tokens in arrivals:
        scheduler.submit(request(name, tokens), at_ms)
    scheduler.engine_changed(EngineName("e"), window=10, models=[MODEL])
    now_ms = max(at_ms for _, at_ms, _ in arrivals)
    order = []
    while (start := scheduler.next(now_ms)) is not None:
        order.append(str(start.request.id))
    return order


def request(name: str, tokens: int) -> Request:
    return Request(
        id=RequestId(name),
        tenant=("a",),
        model=MODEL,
        body_bytes=1,
        prompt_tokens=tokens,
        output_tokens_max=1,
        queue_wait_ms_max=3_600_000,
    )


def test_the_short_one_overtakes_the_long_one() -> None:
    assert started(POLICY, ("long", 0, 1_000), ("short", 1, 10)) == ["short", "long"]


def test_who_has_waited_long_enough_is_overtaken_no_more() -> None:
    late = ("short", 60_000, 10)
    assert started(POLICY, ("long", 0, 1_000), late) == ["long", "short"]
    slow = replace(POLICY, settings={"ageing_units_per_s": 1})
    assert started(slow, ("long", 0, 1_000), late) == ["short", "long"]
