"""Whose turn it is, end to end: a flood does not hold up who asks for little."""

import asyncio

import uvloop

from evenhand.model import Outcome
from evenhand.scheduling import Policy, compose
from support.gateway import (
    CHAT,
    KEY_A,
    KEY_B,
    STREAM,
    Backend,
    RunningGateway,
    Setup,
    becomes,
    gateway,
)
from support.scripted_engine import Answer, EngineRequest, ScriptedEngine

WINDOW = 2
FLOOD = 50
MODEST = {**CHAT, "messages": [{"role": "user", "content": "one small question"}]}


async def order_of_arrival(policy: Policy) -> int:
    """A flood waits, then one request of another tenant comes. How many of the flood go before it."""
    async with ScriptedEngine() as engine:
        engine.default = Answer(tokens=8, gated=True)
        setup = Setup(policy=policy)
        async with gateway(Backend(engine, window=WINDOW), setup=setup) as g:
            flood = [await g.stream(STREAM) for _ in range(FLOOD)]
            await engine.received(WINDOW)
            await queued(g, FLOOD - WINDOW)
            modest = asyncio.create_task(g.post(MODEST, key=KEY_B))
            await queued(g, FLOOD - WINDOW + 1)
            served = 0
            while not any(is_modest(request) for request in engine.requests):
                engine.requests[served].release()
                served += 1
                await engine.received(WINDOW + served)
            place = next(i for i, request in enumerate(engine.requests) if is_modest(request))
            for request in engine.requests:
                request.release()
            engine.default = Answer(tokens=8)
            assert (await modest).status == 200
            await asyncio.gather(*(stream.answer() for stream in flood))
            records = await g.ended(FLOOD + 1)
            assert all(record["outcome"] is Outcome.COMPLETED for record in records)
            assert engine.running_max <= WINDOW
            return place - WINDOW


def is_modest(request: EngineRequest) -> bool:
    return bool(request.json["messages"] == MODEST["messages"])


async def queued(g: RunningGateway, count: int) -> None:
    await becomes(lambda: g.scheduler.backlog.requests == count)


def test_a_modest_tenants_request_starts_within_a_window_of_the_flood() -> None:
    async def main() -> None:
        assert await order_of_arrival(compose("vtc")) <= WINDOW

    uvloop.run(main())


def test_first_come_first_served_makes_it_wait_for_the_whole_flood() -> None:
    async def main() -> None:
        assert await order_of_arrival(compose("fcfs")) == FLOOD - WINDOW

    uvloop.run(main())


def test_who_is_charged_for_a_long_answer_waits_while_the_other_catches_up() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine, window=1)) as g:
            # The first answer is charged live, far beyond what was expected of it.
            engine.script(Answer(tokens=1000, gated=True))
            long = await g.stream({**STREAM, "max_tokens": 1000})
            first = await engine.received(1)
            waiting = [
                asyncio.create_task(g.post(CHAT, key=k)) for k in (KEY_A, KEY_A, KEY_B, KEY_B)
            ]
            await queued(g, 4)
            first.release()
            await long.answer()
            await asyncio.gather(*waiting)
            order = [record["tenant"][0] for record in await g.ended(5)]
            assert order == ["a", "b", "b", "a", "a"]

    uvloop.run(main())
