"""Every way in which an engine can fail an answer, and the one ending that each gets."""

import asyncio
import socket
import struct

import pytest

from evenhand.engines.http import ClientSettings, EngineAddress, EngineClient, Lost
from support.answer_log import AnswerLog
from support.engine_and_client import chat, chat_to_end, engine_and_client
from support.on_loop import run_on_loop
from support.plain_server import client_of
from support.scripted_engine import Answer, Framing


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("framing", [Framing.CHUNKED, Framing.LENGTH])
def test_an_answer_cut_at_any_byte_ends_well_only_if_that_was_the_last(
    framing: Framing, *, reset: bool
) -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.default = Answer(tokens=2, framing=framing)
            whole = await chat_to_end(client)
            total = engine.requests[0].bytes_sent
            assert total > 500
            for offset in range(total + 1):
                engine.script(
                    Answer(tokens=2, framing=framing, cut_after_bytes=offset, reset=reset)
                )
                log = AnswerLog()
                attempt = chat(client, log)
                await log.ended()
                resent = attempt.sends == 2
                assert log.complete == (offset == total or resent), offset
                assert log.lost is (None if log.complete else Lost.CLOSED), offset
                assert resent == (offset == 0), offset
                assert len(log.body) <= len(whole.body)
            assert len(engine.requests) == total + 3

    run_on_loop(main)


def test_a_body_that_ends_at_close_ends_well_only_at_an_orderly_close() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.default = Answer(sse=b"data: x\n\n", framing=Framing.CLOSE)
            await chat_to_end(client)
            total = engine.requests[0].bytes_sent
            head_bytes = total - len(b"data: x\n\n")
            for reset in (True, False):
                for offset in range(total + 1):
                    engine.script(
                        Answer(
                            sse=b"data: x\n\n",
                            framing=Framing.CLOSE,
                            cut_after_bytes=offset,
                            reset=reset,
                        )
                    )
                    log = await chat_to_end(client)
                    assert log.complete == (not reset and offset >= head_bytes), (reset, offset)

    run_on_loop(main)


def test_an_engine_that_does_not_listen_refuses() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            await engine.crash()
            log = AnswerLog()
            attempt = chat(client, log)
            await log.ended()
            assert (log.lost, attempt.sends) == (Lost.REFUSED, 0)
            assert attempt.detail
            await engine.listen()
            assert (await chat_to_end(client)).complete

    run_on_loop(main)


def test_an_engine_that_accepts_and_closes_at_once_leaves_no_connection_behind() -> None:
    async def slam(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def main() -> None:
        async with client_of(slam) as client:
            for _ in range(20):
                logs = [AnswerLog() for _ in range(10)]
                for log in logs:
                    chat(client, log)
                await asyncio.gather(*(log.ended() for log in logs))
                assert {log.lost for log in logs} <= {Lost.CLOSED, Lost.REFUSED}

    run_on_loop(main)


def test_an_engine_that_closes_without_reading_the_request_is_not_waited_for() -> None:
    async def close_half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.write_eof()

    async def main() -> None:
        async with client_of(close_half) as client:
            log = AnswerLog()
            client.post("/v1/completions", b"x" * 50_000_000, [], log)
            assert (await log.ended()).lost is Lost.CLOSED

    run_on_loop(main)


def test_an_unknown_host_refuses() -> None:
    async def main() -> None:
        client = EngineClient(EngineAddress.parse("http://" + "x" * 70), ClientSettings())
        log = AnswerLog()
        attempt = chat(client, log)
        await log.ended()
        assert log.lost is Lost.REFUSED
        assert attempt.detail
        await client.close()

    run_on_loop(main)


def test_a_connection_that_is_never_made_times_out() -> None:
    async def main() -> None:
        with socket.socket() as listener, socket.socket() as filler:
            # A queue of one, filled: further handshakes get no reply.
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            filler.connect(listener.getsockname())
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            client = EngineClient(EngineAddress.parse(url), ClientSettings(connect_timeout_ms=30))
            log = AnswerLog()
            attempt = chat(client, log)
            await log.ended()
            assert (log.lost, attempt.sends) == (Lost.TIMED_OUT, 0)
            assert client.open_connections == 0
            await client.close()

    run_on_loop(main)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer(hang_before_head=True), None),
        (Answer(hang_after_tokens=0), 200),  # text completions send nothing but the head first
        (Answer(raw=b"HTTP/1.1 200 OK\r\n"), None),
    ],
)
def test_silence_before_the_first_piece_of_body_times_out(
    answer: Answer, status: int | None
) -> None:
    async def main() -> None:
        async with engine_and_client(first_byte_timeout_ms=40) as (engine, client):
            engine.default = answer
            log = AnswerLog()
            attempt = client.post("/v1/completions", b'{"stream":true}', [], log)
            await log.ended()
            assert (log.lost, log.status, attempt.sends) == (Lost.TIMED_OUT, status, 1)
            await engine.requests[0].closed.wait()

    run_on_loop(main)


def test_a_request_may_have_its_own_patience_for_the_first_piece() -> None:
    async def main() -> None:
        async with engine_and_client(first_byte_timeout_ms=60_000) as (engine, client):
            engine.default = Answer(hang_before_head=True)
            log = AnswerLog()
            client.post("/v1/completions", b"{}", [], log, first_byte_timeout_ms=20)
            assert (await log.ended()).lost is Lost.TIMED_OUT

    run_on_loop(main)


def test_silence_between_pieces_times_out() -> None:
    async def main() -> None:
        async with engine_and_client(silence_timeout_ms=40) as (engine, client):
            engine.default = Answer(hang_after_tokens=2)
            log = await chat_to_end(client)
            assert log.lost is Lost.TIMED_OUT
            assert b"w1 " in log.body
            await engine.requests[0].closed_by_client.wait()

    run_on_loop(main)


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 4_000,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot a number\r\n",
    ],
)
def test_what_is_not_http_is_malformed(raw: bytes) -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.script(Answer(raw=raw))
            log = AnswerLog()
            attempt = chat(client, log)
            await log.ended()
            assert (log.lost, attempt.sends) == (Lost.MALFORMED, 1)
            assert attempt.detail
            assert (await chat_to_end(client)).complete

    run_on_loop(main)


def test_what_came_before_the_garbage_is_heard() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
            engine.script(Answer(raw=head + b"2\r\nab\r\nzz\r\n"))
            log = await chat_to_end(client)
            assert (log.status, log.body, log.lost) == (200, b"ab", Lost.MALFORMED)

    run_on_loop(main)
