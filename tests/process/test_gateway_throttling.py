"""Throttling and rates end to end: who is refused at once, what it is told, and who is let in."""

import asyncio
from typing import Any

import uvloop

from evenhand.gateway.admin.state import LiveState
from evenhand.gateway.status import GatewayStatus
from evenhand.model import Outcome
from evenhand.scheduling import compose
from evenhand.telemetry import Metrics, SchedulerCollector
from support.gateway import (
    CHAT,
    KEY_A,
    KEY_B,
    STREAM,
    Backend,
    RunningGateway,
    Setup,
    becomes,
    error_of,
    gateway,
)
from support.raw_http import RawAnswer
from support.samples import samples_of
from support.scripted_engine import Answer, ScriptedEngine

FLOOD = 20
FAIRSERVE = compose(
    "fairserve",
    prediction="none",
    settings={"overload_target_s": 1, "overload_sustained_s": 0, "interaction_calls_max": 8},
)


async def call(g: RunningGateway, interaction: str, key: str = KEY_A) -> RawAnswer:
    return await g.post(CHAT, key=key, headers={"X-Evenhand-Interaction": interaction})


async def measured(g: RunningGateway) -> None:
    """One request has been served, and the second is over."""
    assert (await call(g, "trip")).status == 200
    await becomes(lambda: rate(g) is not None)


def rate(g: RunningGateway) -> int | None:
    return g.scheduler._rate.units_per_s(g.dispatcher.now_ms())


def test_overloaded_it_throttles_the_floods_new_interactions_and_nothing_else() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            setup = Setup(policy=FAIRSERVE)
            async with gateway(Backend(engine, window=1), setup=setup) as g:
                await measured(g)
                engine.default = Answer(gated=True)
                holds_the_slot = await g.stream(STREAM)
                await engine.received(2)
                flood = [asyncio.create_task(call(g, f"new{n}")) for n in range(FLOOD)]
                await becomes(lambda: throttled(g) + g.scheduler.backlog.requests == FLOOD)
                # Answered while the engine stands still.
                await becomes(lambda: sum(task.done() for task in flood) == throttled(g))
                assert throttled(g) > FLOOD // 2
                overload = g.scheduler.overload()
                assert overload is not None
                assert overload.is_overloaded
                assert overload.throttled == throttled(g)
                told = state(g)["overload"]
                assert told["overloaded"]
                assert told["throttled_requests"] == throttled(g)
                assert told["drain_ms"] > told["target_ms"] == 1_000
                samples = samples_of(metrics(g))
                assert samples["evenhand_overloaded", ()] == 1
                assert samples["evenhand_drain_seconds", ()] == told["drain_ms"] / 1000
                # Neither the modest tenant nor an interaction in progress is refused.
                waiting = g.scheduler.backlog.requests
                modest = asyncio.create_task(call(g, "trip", KEY_B))
                later = [asyncio.create_task(call(g, "trip")) for _ in range(7)]
                await becomes(lambda: g.scheduler.backlog.requests == waiting + 8)
                assert (await call(g, "trip")).status == 429, "but within its cap"
                engine.default = Answer()
                for request in engine.requests:
                    request.release()
                assert (await holds_the_slot.answer()).status == 200
                assert [(await task).status for task in (modest, *later)] == [200] * 8
                answers = [await task for task in flood]
                for answer in answers:
                    if answer.status != 200:
                        holds_what_is_promised(answer)
                served = 1 + 1 + 8 + sum(answer.status == 200 for answer in answers)
                assert len(engine.requests) == served, "of what was throttled nothing is executed"

    uvloop.run(main())


def state(g: RunningGateway) -> dict[str, Any]:
    status = GatewayStatus(g.gateway, body_bytes_max=1_000)
    return LiveState(status, tenants_max=10).snapshot()


def metrics(g: RunningGateway) -> bytes:
    told = Metrics(models=["m"], version="test")
    told.registry.register(SchedulerCollector(g.scheduler, tenants_max=10))
    return told.render()


def throttled(g: RunningGateway) -> int:
    return g.counted().get(Outcome.THROTTLED, 0)


def holds_what_is_promised(answer: RawAnswer) -> None:
    assert answer.status == 429
    assert error_of(answer)["code"] == "over_share_while_overloaded"
    assert answer.headers["x-should-retry"] == "true"
    assert int(answer.headers["retry-after"]) * 1000 == int(answer.headers["retry-after-ms"])


def test_without_overload_nobody_is_throttled() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            setup = Setup(policy=compose("fairserve"))
            async with gateway(Backend(engine, window=1), setup=setup) as g:
                await measured(g)
                answers = await asyncio.gather(*(call(g, f"n{n}") for n in range(FLOOD)))
                assert [answer.status for answer in answers] == [200] * FLOOD
                assert not state(g)["overload"]["overloaded"]
                assert samples_of(metrics(g))["evenhand_overloaded", ()] == 0
                assert state(g)["predictions"]["m"]["answers"] == FLOOD + 1

    uvloop.run(main())


def test_a_rate_is_refused_with_the_time_until_it_opens_although_the_engine_idles() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            setup = Setup(policy=compose("rpm", settings={"requests_per_minute": 2}))
            async with gateway(Backend(engine), setup=setup) as g:
                assert [(await call(g, "trip")).status for _ in range(2)] == [200, 200]
                answer = await call(g, "trip")
                assert answer.status == 429
                assert error_of(answer)["code"] == "rate_limited"
                assert 0 < int(answer.headers["retry-after-ms"]) <= 60_000
                assert (await call(g, "trip", KEY_B)).status == 200
                assert g.counted()[Outcome.RATE_LIMITED] == 1
                assert state(g)["overload"] is None
                assert ("evenhand_overloaded", ()) not in samples_of(metrics(g))

    uvloop.run(main())


def test_a_rate_of_tokens_counts_what_was_really_used() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(tokens=8, prompt_tokens=100)
            setup = Setup(policy=compose("tpm", settings={"tokens_per_minute": 100}))
            async with gateway(Backend(engine), setup=setup) as g:
                assert (await call(g, "trip")).status == 200
                answer = await call(g, "trip")
                assert answer.status == 429
                assert "108 tokens" in error_of(answer)["message"]

    uvloop.run(main())
