"""A client that reads slowly holds its engine back; one that does not read at all is cut."""

import asyncio
import json
import socket

import uvloop

from evenhand.gateway.http import EdgeSettings
from evenhand.model import Outcome
from support.gateway import KEY_A, STREAM, Backend, RunningGateway, Setup, becomes, gateway
from support.raw_http import RawStream
from support.scripted_engine import Answer, ScriptedEngine

EVENT = b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % (b"x" * 2000)
EVENTS = 8_000
LONG = Answer(sse=EVENT * EVENTS + b"data: [DONE]\n\n", bytes_per_write=1 << 16)


async def small_reader(g: RunningGateway) -> RawStream:
    """A stream whose client has tiny buffers, and reads only when told."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, (g.host, g.port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=4096)
    body = json.dumps(dict(STREAM)).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {KEY_A}\r\n"
    writer.write(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    stream = RawStream(reader, writer)
    g.streams.append(stream)
    return stream


def test_a_client_that_reads_nothing_holds_the_engine_and_is_cut_after_the_stall_limit() -> None:
    async def main() -> None:
        setup = Setup(edge=EdgeSettings(write_stall_ms=80))
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            engine.default = LONG
            stream = await small_reader(g)
            request = await engine.received(1)
            await request.closed_by_client.wait()
            (record,) = await g.ended(1)
            assert record["outcome"] is Outcome.SLOW_READER
            # Beyond our own 256 KiB there are only the kernel's buffers of two sockets.
            assert request.bytes_sent < len(EVENT) * EVENTS, "the engine was held back"
            assert 0 < record["output_tokens"] < EVENTS
            assert record["output_tokens"] * len(EVENT) <= request.bytes_sent + len(EVENT)
            assert record["units"] > record["output_tokens"] * 20
            stream.leave()

    uvloop.run(main())


def test_a_client_that_catches_up_gets_everything() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = LONG
            stream = await small_reader(g)
            await engine.received(1)
            (call,) = g.gateway.calls
            await becomes(lambda: call._attempts.is_paused)
            answer = await stream.answer()
            assert answer.is_whole
            assert answer.body == EVENT * EVENTS + b"data: [DONE]\n\n"
            (record,) = await g.ended(1)
            assert (record["outcome"], record["output_tokens"]) == (Outcome.COMPLETED, EVENTS)

    uvloop.run(main())


def test_a_client_that_is_slow_already_when_its_turn_comes_holds_the_engine_too() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine, window=1)) as g:
            engine.script(Answer(gated=True), LONG)
            first = await g.stream(STREAM)
            gated = await engine.received(1)
            stream = await small_reader(g)
            await becomes(lambda: len(g.gateway.calls) >= 2)
            # As the edge does where an earlier answer still waits in the connection's buffer.
            (waiting,) = (c for c in g.gateway.calls if not c._attempts.sends)
            waiting.client_slow()
            gated.release()
            await first.answer()
            await engine.received(2)
            attempt = waiting._attempts._attempt
            assert attempt is not None
            assert attempt.paused, "held back from the first byte"  # type: ignore[attr-defined]
            waiting.client_ready()
            assert (await stream.answer()).is_whole

    uvloop.run(main())


def test_the_last_words_may_be_what_cuts_a_slow_client() -> None:
    async def main() -> None:
        setup = Setup(edge=EdgeSettings(client_buffer_bytes_max=1000))
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            # Silence after much: the buffer is full while the engine is quiet.
            engine.default = Answer(sse=EVENT * EVENTS)
            stream = await small_reader(g)
            await engine.received(1)
            (call,) = g.gateway.calls
            await becomes(lambda: call._attempts.is_paused or g.records)
            g.gateway.stop_calls()
            (record,) = await g.ended(1)
            assert record["outcome"] in (Outcome.SLOW_READER, Outcome.SHUTTING_DOWN)
            stream.leave()

    uvloop.run(main())
