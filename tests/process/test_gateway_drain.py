"""The gateway stops: what is open may end, and what cannot is told so."""

import asyncio
import json

import uvloop

from evenhand.model import Outcome
from support.gateway import CHAT, KEY_A, STREAM, Backend, RunningGateway, becomes, error_of, gateway
from support.raw_http import RawAnswer
from support.scripted_engine import Answer, ScriptedEngine


async def drained(g: RunningGateway, *, stop_after: asyncio.Event) -> int:
    """What `GatewayServer.drain` does, with an event in place of its deadline."""
    g.gateway.is_draining = True
    drain = asyncio.create_task(g.edge.drain(10_000))
    await stop_after.wait()
    g.gateway.stop_calls()
    return await drain


def test_open_streams_get_an_error_event_at_the_deadline_and_queued_ones_503() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine, window=2)) as g:
            engine.default = Answer(tokens=8, prompt_tokens=9, gated=True)
            stream, whole = await g.stream(STREAM), await g.stream(CHAT)
            await engine.received(2)
            queued = [await g.stream(CHAT) for _ in range(3)]
            for request in engine.requests:
                request.step(2)
                await request.produced(2)
            for _ in range(3):
                await stream.event()
            await becomes(lambda: g.scheduler.backlog.requests >= 3)
            deadline = asyncio.Event()
            drain = asyncio.create_task(drained(g, stop_after=deadline))
            engine.requests[0].step(1)
            assert b"w2" in (await stream.event() or b""), "it goes on until the deadline"
            deadline.set()
            last = await stream.event()
            assert json.loads(last or b"")["error"]["code"] == "shutting_down"
            assert await stream.event() is None
            assert stream.is_whole
            for waiting in [whole, *queued]:
                answer: RawAnswer = await waiting.answer()
                assert (answer.status, error_of(answer)["code"]) == (503, "shutting_down")
                assert answer.headers["x-should-retry"] == "true"
            for each in [stream, whole, *queued]:
                await each.close()
            assert await drain == 0, "all could be told"
            assert len(engine.requests) == 2, "nobody was started for it"
            records = await g.ended(5)
            assert {record["outcome"] for record in records} == {Outcome.SHUTTING_DOWN}
            assert sorted(record["output_tokens"] for record in records) == [0, 0, 0, 0, 3]
            for request in engine.requests:
                await request.closed_by_client.wait()

    uvloop.run(main())


def test_what_ends_before_the_deadline_is_whole() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine, window=1)) as g:
            engine.default = Answer(tokens=4, gated=True)
            streams = [await g.stream(STREAM) for _ in range(3)]
            await engine.received(1)
            await becomes(lambda: g.scheduler.backlog.requests >= 2)
            never = asyncio.Event()
            drain = asyncio.create_task(drained(g, stop_after=never))
            for number in range(3):
                (await engine.received(number + 1)).release()
                answer = await streams[number].answer()
                assert answer.is_whole
                assert answer.body.endswith(b"data: [DONE]\n\n")
                await streams[number].close()
            never.set()
            assert await drain == 0
            assert {r["outcome"] for r in await g.ended(3)} == {Outcome.COMPLETED}

    uvloop.run(main())


def test_a_request_that_is_still_being_sent_is_told_too() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            reader, writer = await asyncio.open_connection(g.host, g.port)
            head = "POST /v1/completions HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer "
            writer.write(f"{head}{KEY_A}\r\nContent-Length: 99\r\n\r\n{{".encode())
            await becomes(lambda: g.gateway.calls)
            g.gateway.stop_calls()
            assert b" 503 " in await reader.readline()
            writer.close()
            await writer.wait_closed()
            (record,) = await g.ended(1)
            assert record["outcome"] is Outcome.SHUTTING_DOWN
            assert g.counted() == {Outcome.SHUTTING_DOWN: 1}

    uvloop.run(main())
