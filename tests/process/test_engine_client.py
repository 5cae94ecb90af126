"""What an engine and its client say to each other when all goes well, and what is kept for reuse."""

import asyncio
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from evenhand.engines.http import ClientSettings, EngineAddress, EngineClient, Lost
from support.answer_log import AnswerLog
from support.engine_and_client import CHAT, chat, chat_to_end, engine_and_client
from support.on_loop import run_on_loop
from support.plain_server import client_of
from support.scripted_engine import Answer, Framing, ScriptedEngine

COMPLETE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab"


def test_a_request_arrives_as_given_and_nothing_is_added_but_its_framing() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            client = EngineClient(
                EngineAddress.parse(engine.url + "/prefix/"),
                ClientSettings(),
                headers=[("authorization", "Bearer key")],
            )
            body = b'{"stream": false,  "x": 1.0}'
            log = AnswerLog()
            client.post(CHAT, body, [("x-request-id", "7")], log)
            await log.ended()
            await client.close()
            request = engine.requests[0]
            assert request.method == "POST"
            assert request.path == "/prefix" + CHAT
            assert request.body == body
            assert sorted(request.headers) == [
                ("accept-encoding", "identity"),
                ("authorization", "Bearer key"),
                ("content-length", str(len(body))),
                ("host", f"127.0.0.1:{engine.port}"),
                ("x-request-id", "7"),
            ]

    run_on_loop(main)


@pytest.mark.parametrize("framing", list(Framing))
@pytest.mark.parametrize("bytes_per_write", [None, 1, 7])
def test_an_answer_is_heard_whole_in_every_framing(
    framing: Framing, bytes_per_write: int | None
) -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            sse = b"data: {}\n\ndata: [DONE]\n\n"
            engine.default = Answer(sse=sse, framing=framing, bytes_per_write=bytes_per_write)
            log = await chat_to_end(client)
            assert (log.status, log.body, log.lost) == (200, sse, None)
            assert log.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert client.idle_connections == (framing is not Framing.CLOSE)

    run_on_loop(main)


def test_interim_answers_are_passed_over_and_errors_heard_like_any_answer() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.script(
                Answer(raw=b"HTTP/1.1 100 Continue\r\n\r\n" + COMPLETE), Answer(status=503)
            )
            first = await chat_to_end(client)
            assert (first.status, first.body) == (200, b"ab")
            second = await chat_to_end(client)
            assert second.status == 503
            assert b"scripted failure" in second.body
            assert engine.connections_made == 1

    run_on_loop(main)


def test_the_piece_of_a_token_is_heard_before_the_next_token_is_made() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.default = Answer(gated=True, tokens=5)
            log = AnswerLog()
            chat(client, log)
            request = await engine.received(1)
            for token in range(5):
                assert request.tokens_produced == token
                request.step()
                await log.heard(f"w{token} ".encode())
            await log.ended()

    run_on_loop(main)


def test_large_bodies_go_both_ways_on_one_connection_without_delay_of_small_packets() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            prompt = "x" * 4_000_000
            engine.default = Answer(sse=b"y" * 4_000_000)
            for _ in range(2):
                log = await chat_to_end(client, prompt=prompt)
                assert log.body == b"y" * 4_000_000
            assert [len(request.json["prompt"]) for request in engine.requests] == [4_000_000] * 2
            assert engine.connections_made == 1
            (connection,) = client._open
            assert connection._transport is not None
            raw = connection._transport.get_extra_info("socket")
            assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    run_on_loop(main)


def test_the_connection_used_last_is_reused_first() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.default = Answer(gated=True)
            logs = [AnswerLog() for _ in range(3)]
            for log in logs:
                chat(client, log)
            await engine.received(3)
            for index in (0, 2, 1):
                log = next(log for log in logs if not log.over.is_set())
                engine.requests[index].release()
                await engine.requests[index].answered.wait()
                del log
            await asyncio.gather(*(log.ended() for log in logs))
            engine.default = Answer()
            for _ in range(3):
                await chat_to_end(client)
            last = engine.requests[1].connection
            assert [request.connection for request in engine.requests[3:]] == [last] * 3
            assert client.open_connections == client.idle_connections == 3

    run_on_loop(main)


def test_no_more_connections_are_kept_than_allowed() -> None:
    async def main() -> None:
        async with engine_and_client(idle_connections_max=2) as (engine, client):
            await asyncio.gather(*(chat_to_end(client) for _ in range(6)))
            assert client.idle_connections == 2
            closed = asyncio.create_task(_closed(engine, 4))
            await closed
            assert client.open_connections == 2

    run_on_loop(main)


async def _closed(engine: ScriptedEngine, count: int) -> None:
    waits = [asyncio.create_task(request.closed.wait()) for request in engine.requests]
    for done, wait in enumerate(asyncio.as_completed(waits), 1):
        await wait
        if done == count:
            break
    for wait_task in waits:
        wait_task.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


def test_an_idle_connection_is_closed_when_its_time_is_up() -> None:
    async def main() -> None:
        async with engine_and_client(idle_ms_max=20) as (engine, client):
            await asyncio.gather(*(chat_to_end(client) for _ in range(3)))
            for request in engine.requests:
                await request.closed.wait()
            assert client.idle_connections == 0

    run_on_loop(main)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(says_close=True),
        Answer(framing=Framing.CLOSE),
        Answer(raw=COMPLETE + b"x"),
        Answer(raw=COMPLETE + COMPLETE),
        Answer(raw=COMPLETE.replace(b"1.1", b"1.0")),
    ],
)
def test_a_connection_is_not_reused_after_such_an_answer(answer: Answer) -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.script(answer)
            assert (await chat_to_end(client)).complete
            assert client.idle_connections == 0
            await engine.requests[0].closed.wait()
            assert (await chat_to_end(client)).complete
            assert engine.connections_made == 2

    run_on_loop(main)


def test_an_answer_that_nobody_asked_for_closes_its_connection() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            await chat_to_end(client)
            (connection,) = engine.connections
            assert connection._transport is not None
            connection._transport.write(COMPLETE)
            await engine.requests[0].closed.wait()
            assert client.idle_connections == 0
            assert (await chat_to_end(client)).body != b"ab"

    run_on_loop(main)


def test_an_engine_that_answers_before_reading_the_request_gets_no_second_one() -> None:
    async def answer_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")

    async def main() -> None:
        async with client_of(answer_early) as client:
            log = AnswerLog()
            client.post(CHAT, b"x" * 50_000_000, [], log)
            assert (await log.ended()).status == 413
            assert client.idle_connections == 0

    run_on_loop(main)


def test_after_close_requests_are_refused_and_those_under_way_lost() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.default = Answer(gated=True)
            waiting, connecting = AnswerLog(), AnswerLog()
            chat(client, waiting)
            await engine.received(1)
            chat(client, connecting)
            await client.close()
            await client.close()
            assert waiting.lost is connecting.lost is Lost.CLOSED
            await engine.requests[0].closed_by_client.wait()
            with pytest.raises(RuntimeError, match="closed"):
                chat(client, AnswerLog())

    run_on_loop(main)


def test_the_client_runs_on_the_standard_loop_too() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.script(Answer(), Answer(closes_after=True), Answer(cut_after_bytes=300))
            logs = [await chat_to_end(client) for _ in range(3)]
            assert [log.lost for log in logs] == [None, None, Lost.CLOSED]

    asyncio.run(main())


def test_https_needs_a_trusted_certificate(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    name = "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    files = ["-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run([*make.split(), *name.split(), *files], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("the openssl command makes the certificate, and is not installed")

    async def main() -> None:
        served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        served.load_cert_chain(certificate, key)
        trusting = ssl.create_default_context(cafile=certificate)
        async with ScriptedEngine(tls=served) as engine:
            address = EngineAddress.parse(engine.url)
            trustful = EngineClient(address, ClientSettings(), ssl_context=trusting)
            for _ in range(2):
                log = await chat_to_end(trustful)
                assert log.complete
                assert log.body.endswith(b"data: [DONE]\n\n")
            assert engine.connections_made == 1
            engine.default = Answer(gated=True)
            aborted = AnswerLog()
            attempt = chat(trustful, aborted)
            request = await engine.received(3)
            request.step()
            await aborted.heard(b"w0")
            attempt.abort()
            await request.closed_by_client.wait()
            assert request.tokens_produced == 1
            await trustful.close()
            distrustful = EngineClient(address, ClientSettings())
            log = AnswerLog()
            refused = chat(distrustful, log)
            await log.ended()
            assert log.lost is Lost.REFUSED
            assert "certificate" in refused.detail
            await distrustful.close()

    run_on_loop(main)
