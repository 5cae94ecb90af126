"""A slot is free when the engine is done with a request, not when we have given it up."""

import asyncio

import uvloop

from evenhand.engines.http import ClientSettings
from evenhand.model import EngineName, EngineReport, Outcome
from support.gateway import (
    CHAT,
    KEY_A,
    STREAM,
    Backend,
    RunningGateway,
    Setup,
    becomes,
    gateway,
    identity,
)
from support.scripted_engine import Answer, ScriptedEngine

LONG_MS = 60_000


def ghosts(g: RunningGateway) -> int:
    return len(g.dispatcher.engines[EngineName("e0")].ghosts)


def report(g: RunningGateway, *, running: int) -> None:
    """As if the engine had been asked just now."""
    allowances, link = g.dispatcher.allowances, g.dispatcher.engines[EngineName("e0")]
    allowances.reported(link, EngineReport(running=running), g.dispatcher.now_ms() + 1)


async def moments(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0.001)


async def left_running(g: RunningGateway, engine: ScriptedEngine, tokens: int = 1) -> None:
    """A client that leaves its request while the engine is at it."""
    number = len(engine.requests) + 1
    engine.script(Answer(gated=True))
    stream = await g.stream(STREAM)
    request = await engine.received(number)
    for _ in range(tokens):
        request.step()
    await stream.close()
    await request.closed_by_client.wait()
    await g.ended(len(g.records) or 1)


def test_the_slot_of_a_client_that_left_stays_taken_until_the_engine_says_it_is_done() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            backend = Backend(engine, window=1, abort_grace_ms=LONG_MS)
            async with gateway(backend) as g:
                await left_running(g, engine)
                (record,) = await g.ended(1)
                assert record["outcome"] is Outcome.CANCELLED_RUNNING, "settled at once"
                assert ghosts(g) == 1
                waiting = await g.stream(CHAT)
                await becomes(lambda: g.scheduler.backlog.requests == 1)
                report(g, running=1)
                await moments()
                assert len(engine.requests) == 1, "it is still at it"
                report(g, running=0)
                assert (await waiting.answer()).status == 200
                assert ghosts(g) == 0

    uvloop.run(main())


def test_the_slot_is_free_again_when_the_grace_ends() -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine, window=1, abort_grace_ms=150)) as g,
        ):
            await left_running(g, engine)
            before_ms = g.dispatcher.now_ms()
            assert (await g.post(CHAT)).status == 200
            assert g.dispatcher.now_ms() - before_ms >= 100
            assert ghosts(g) == 0

    uvloop.run(main())


def test_many_that_leave_at_once_are_not_replaced_beyond_what_the_engine_can_take() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(gated=True)
            keys = {KEY_A: identity("a")}
            backend = Backend(engine, window=4, abort_grace_ms=LONG_MS)
            async with gateway(backend, setup=Setup(keys=keys)) as g:
                leaving = [await g.stream(STREAM) for _ in range(4)]
                await engine.received(4)
                staying = [await g.stream(STREAM) for _ in range(4)]
                await becomes(lambda: g.scheduler.backlog.requests == 4)
                for stream in leaving[:3]:
                    await stream.close()
                await g.ended(3)
                await moments()
                assert len(engine.requests) == 4
                report(g, running=3)
                await engine.received(5)
                await moments()
                assert len(engine.requests) == 5, "one of them was still computed, two were not"
                report(g, running=2)
                engine.default = Answer()
                for request in list(engine.requests):
                    request.release()
                assert [(await stream.answer()).status for stream in staying] == [200] * 4
                await leaving[3].close()

    uvloop.run(main())


def test_a_timeout_leaves_its_slot_taken_too_and_an_answer_that_is_whole_does_not() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.script(Answer(), Answer(status=400), Answer(status=500), Answer())
            engine.script(Answer(cut_after_tokens=1), Answer(hang_before_head=True))
            backend = Backend(engine, window=1, abort_grace_ms=LONG_MS)
            limits = ClientSettings(first_byte_timeout_ms=50)
            async with gateway(backend, setup=Setup(client=limits)) as g:
                for asked in (CHAT, CHAT, CHAT, STREAM, STREAM):
                    await g.post(asked)
                    assert ghosts(g) == 0
                assert (await g.post(STREAM)).status == 504
                assert ghosts(g) == 1

    uvloop.run(main())


def test_a_restart_frees_them_all() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            backend = Backend(engine, window=1, abort_grace_ms=LONG_MS)
            async with gateway(backend) as g:
                await left_running(g, engine)
                waiting = await g.stream(CHAT)
                await becomes(lambda: g.scheduler.backlog.requests == 1)
                g.dispatcher.allowances.restarted(g.dispatcher.engines[EngineName("e0")])
                assert (await waiting.answer()).status == 200

    uvloop.run(main())


def test_a_request_that_never_reached_the_engine_leaves_nothing() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            backend = Backend(engine, window=1, abort_grace_ms=LONG_MS)
            async with gateway(backend) as g:
                await engine.crash()
                assert (await g.post(CHAT)).status == 502
                assert ghosts(g) == 0
                await engine.listen()

    uvloop.run(main())
