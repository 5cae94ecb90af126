"""What holds of requests holds inside TLS: streams, leaving, slow readers, drain."""

import asyncio
import json
import socket
import ssl

import pytest

from evenhand.gateway.http import EdgeSettings
from evenhand.gateway.tls import TlsFiles
from evenhand.model import Outcome
from support.gateway import CHAT, KEY_A, STREAM, Backend, RunningGateway, Setup, becomes, gateway
from support.on_loop import run_on_loop
from support.raw_http import RawStream
from support.scripted_engine import Answer, ScriptedEngine

EVENT = b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % (b"x" * 2000)
EVENTS = 8_000
LONG = Answer(sse=EVENT * EVENTS + b"data: [DONE]\n\n", bytes_per_write=1 << 16)


def test_answers_and_streams_arrive_whole_on_one_connection(pair: TlsFiles) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine), setup=Setup(pair=pair)) as g,
        ):
            engine.default = Answer(tokens=3)
            reader, writer = await asyncio.open_connection(g.host, g.port, ssl=g.tls)
            stream = RawStream(reader, writer)
            for body in (CHAT, STREAM, CHAT):
                stream.begin_next()
                data = json.dumps(dict(body)).encode()
                writer.write(head(len(data)) + data)
                assert (await stream.answer()).is_whole
            await stream.close()
            assert {r["outcome"] for r in await g.ended(3)} == {Outcome.COMPLETED}

    run_on_loop(main)


@pytest.mark.parametrize("goodbye", [True, False])
def test_a_client_that_leaves_mid_stream_closes_the_engines_connection(
    pair: TlsFiles, goodbye: bool
) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine), setup=Setup(pair=pair)) as g,
        ):
            engine.default = Answer(tokens=9, gated=True)
            stream = await g.stream(STREAM)
            request = await engine.received(1)
            request.step(2)
            for _ in range(3):
                await stream.event()
            if goodbye:
                stream.writer.close()
            else:
                stream.leave()
            await request.closed_by_client.wait()
            (record,) = await g.ended(1)
            assert record["outcome"] is Outcome.CANCELLED_RUNNING
            assert record["output_tokens"] == 2

    run_on_loop(main)


def blocking_stream(g: RunningGateway) -> ssl.SSLSocket:
    """A stream of a client that reads only when told. For a thread."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.settimeout(20)
    raw.connect((g.host, g.port))
    assert g.tls is not None
    client = g.tls.wrap_socket(raw, server_hostname="localhost")
    data = json.dumps(dict(STREAM)).encode()
    client.sendall(head(len(data)) + data)
    return client


def test_a_client_that_reads_nothing_holds_the_engine_and_is_cut(pair: TlsFiles) -> None:
    async def main() -> None:
        setup = Setup(edge=EdgeSettings(write_stall_ms=80), pair=pair)
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            engine.default = LONG
            client = await asyncio.to_thread(blocking_stream, g)
            request = await engine.received(1)
            await request.closed_by_client.wait()
            (record,) = await g.ended(1)
            assert record["outcome"] is Outcome.SLOW_READER
            assert request.bytes_sent < len(EVENT) * EVENTS, "the engine was held back"
            client.close()

    run_on_loop(main)


def test_a_client_that_catches_up_gets_everything(pair: TlsFiles) -> None:
    def rest(client: ssl.SSLSocket) -> int:
        received = 0
        last = b""
        while not last.endswith(b"0\r\n\r\n"):
            piece = client.recv(1 << 16)
            assert piece
            received += piece.count(b"[DONE]") * 1_000_000 + piece.count(b'"content"')
            last = (last + piece)[-8:]
        client.close()
        return received

    async def main() -> None:
        setup = Setup(pair=pair)
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            engine.default = Answer(sse=EVENT * 800 + b"data: [DONE]\n\n", bytes_per_write=1 << 16)
            client = await asyncio.to_thread(blocking_stream, g)
            await engine.received(1)
            (call,) = g.gateway.calls
            await becomes(lambda: call._attempts.is_paused)
            # A word may lie on the border of two reads: a few of them go uncounted.
            assert 1_000_780 <= await asyncio.to_thread(rest, client) <= 1_000_800
            (record,) = await g.ended(1)
            assert (record["outcome"], record["output_tokens"]) == (Outcome.COMPLETED, 800)

    run_on_loop(main)


def test_a_drain_lets_the_stream_end_and_closes_the_idle(pair: TlsFiles) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine), setup=Setup(pair=pair)) as g,
        ):
            engine.default = Answer(tokens=4, gated=True)
            stream = await g.stream(STREAM)
            request = await engine.received(1)
            idle_reader, idle_writer = await asyncio.open_connection(g.host, g.port, ssl=g.tls)
            silent_reader, silent_writer = await asyncio.open_connection(g.host, g.port)
            await becomes(lambda: g.edge.connections == 3)
            drain = asyncio.create_task(g.edge.drain(10_000))
            assert await idle_reader.read() == b""
            request.release()
            answer = await stream.answer()
            assert answer.body.endswith(b"data: [DONE]\n\n")
            assert answer.is_whole
            await stream.close()
            assert await silent_reader.read() == b""
            assert await drain == 0
            idle_writer.close()
            silent_writer.close()

    run_on_loop(main)


def head(length: int) -> bytes:
    lines = ["POST /v1/chat/completions HTTP/1.1", "Host: g", f"Authorization: Bearer {KEY_A}"]
    return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode()
