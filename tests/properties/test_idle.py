"""Who has long been idle is forgotten, and it makes no difference to anybody's turn."""

import random

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, Usage
from evenhand.scheduling import Scheduler, SchedulerSettings, TenantShare, compose

M, E = ModelName("m"), EngineName("e")
TENANTS = tuple(TenantShare(name=f"t{number}") for number in range(6))


def decisions(*, forget_after_ms: int) -> tuple[list[str], Scheduler]:
    """A long run of bursts and pauses: who was started, in order."""
    dice = random.Random(11)
    policy = compose(prediction="none")
    core = Scheduler(
        SchedulerSettings(tenants=TENANTS, policy=policy, forget_after_ms=forget_after_ms)
    )
    core.engine_changed(E, window=2, models=[M])
    now_ms, count = 0, 0
    started: list[str] = []
    running: list[Request] = []
    for _ in range(4_000):
        now_ms += dice.choice([1, 50, 700])
        tenant = dice.choice(TENANTS[: dice.choice([1, 2, 6])]).name
        for _ in range(dice.choice([0, 1, 3])):
            count += 1
            tokens = dice.choice([1, 200])
            core.submit(_request(f"{tenant}-{count}", tenant, tokens), now_ms)
        while (start := core.next(now_ms)) is not None:
            started.append(str(start.request.id))
            running.append(start.request)
        if running and dice.random() < 0.7:
            request = running.pop(dice.randrange(len(running)))
            assert request.prompt_tokens is not None
            core.settle(request.id, Usage(request.prompt_tokens, 3), Outcome.COMPLETED, now_ms)
    return started, core


def _request(name: str, tenant: str, tokens: int) -> Request:
    return Request(
        id=RequestId(name),
        tenant=(tenant,),
        model=M,
        body_bytes=1,
        prompt_tokens=tokens,
        output_tokens_max=10,
        queue_wait_ms_max=10**9,
    )


def test_forgetting_the_idle_changes_no_decision() -> None:
    forgetful, _ = decisions(forget_after_ms=1_000)
    mindful, _ = decisions(forget_after_ms=10**12)
    assert forgetful == mindful


def test_what_was_learned_of_the_idle_goes() -> None:
    core = Scheduler(SchedulerSettings(tenants=TENANTS, forget_after_ms=10_000))
    core.engine_changed(E, window=9, models=[M])
    for number, tenant in enumerate(["t1", "t2"]):
        core.submit(_request(f"r{number}", tenant, 5), 0)
        core.next(0)
        core.settle(RequestId(f"r{number}"), Usage(5, 7), Outcome.COMPLETED, number * 9_000)
    learned = core._charges.prediction._by_tenant  # type: ignore[attr-defined]
    assert set(learned) == {("t1",), ("t2",)}
    for second in range(10, 14):
        core.submit(_request(f"s{second}", "t3", 5), second * 1_000)
        core.next(second * 1_000)
        core.settle(RequestId(f"s{second}"), Usage(5, 7), Outcome.COMPLETED, second * 1_000)
    assert set(learned) == {("t2",), ("t3",)}


def test_a_debt_is_kept_however_long_its_owner_idles() -> None:
    core = Scheduler(
        SchedulerSettings(
            tenants=TENANTS[:2], policy=compose(prediction="none"), forget_after_ms=1_000
        )
    )
    core.engine_changed(E, window=1, models=[M])
    core.submit(_request("big", "t0", 1_000), 0)
    core.submit(_request("small", "t1", 1), 0)
    for name, tokens in (("big", 1_000), ("small", 1)):
        core.next(0)
        core.settle(RequestId(name), Usage(tokens, 0), Outcome.COMPLETED, 0)
    debt = core.tree.leaf(("t0",)).counter(core.capacity.pool(M))
    core._upkeep.go(10**6)
    assert core.tree.leaf(("t0",)).counter(core.capacity.pool(M)) == debt
