"""Whoever stops listening closes the connection; whoever listens slowly slows the engine."""

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from evenhand.engines.http import Attempt, EngineClient
from support.answer_log import AnswerLog
from support.engine_and_client import chat, chat_to_end, engine_and_client
from support.on_loop import run_on_loop
from support.plain_server import client_of
from support.scripted_engine import Answer, EngineRequest, ScriptedEngine


def test_an_abort_in_mid_stream_reaches_the_engine_before_its_next_token() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.default = Answer(gated=True, tokens=100)
            log = AnswerLog()
            attempt = chat(client, log)
            request = await engine.received(1)
            request.step(3)
            await log.heard(b"w2 ")
            log.closed_to_calls = True
            attempt.abort()
            attempt.abort()
            await request.closed_by_client.wait()
            assert request.tokens_produced == 3
            assert log.faults == []

    run_on_loop(main)


def test_an_abort_before_the_head_reaches_the_engine() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.default = Answer(hang_before_head=True)
            log = AnswerLog()
            attempt = chat(client, log)
            request = await engine.received(1)
            log.closed_to_calls = True
            attempt.abort()
            await request.closed_by_client.wait()
            assert log.faults == []

    run_on_loop(main)


def test_an_abort_of_a_request_that_the_engine_does_not_read_is_immediate() -> None:
    async def main() -> None:
        begun, gone = asyncio.Event(), asyncio.Event()

        async def accept(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            await reader.readexactly(1)
            begun.set()
            with suppress(ConnectionError):
                await reader.read(-1)
            gone.set()

        async with client_of(accept) as client:
            attempt = client.post("/v1/completions", b"x" * 50_000_000, [], AnswerLog())
            await begun.wait()
            attempt.abort()
            await gone.wait()

    run_on_loop(main)


@pytest.mark.parametrize("turns", range(12))
def test_an_abort_while_connecting_leaves_no_socket(turns: int) -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.default = Answer(gated=True)
            log = AnswerLog()
            attempt = chat(client, log)
            for _ in range(turns):  # every point between the call and the open connection
                await asyncio.sleep(0)
            log.closed_to_calls = True
            attempt.abort()
            engine.default = Answer()
            assert (await chat_to_end(client)).complete
            await asyncio.gather(*(request.closed.wait() for request in engine.requests[:-1]))
            assert log.faults == []
            assert client.open_connections == client.idle_connections == 1

    run_on_loop(main)


class Stopper(AnswerLog):
    """Aborts, or raises, within a callback."""

    def __init__(self, call: str, error: Exception | None) -> None:
        super().__init__()
        self.attempt: Attempt | None = None
        self._call = call
        self._error = error

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        super().on_head(status, headers)
        self._stop("on_head")

    def on_body(self, data: bytes) -> None:
        super().on_body(data)
        self._stop("on_body")

    def on_end(self) -> None:
        super().on_end()
        self._stop("on_end")

    def _stop(self, call: str) -> None:
        if call == self._call:
            self.closed_to_calls = True
            if self._error:
                raise self._error
            assert self.attempt
            self.attempt.abort()


@pytest.mark.parametrize("call", ["on_head", "on_body"])
def test_an_abort_within_a_callback_is_the_last_of_it(call: str) -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            log = Stopper(call, None)
            # One write holds the whole answer, so that head, body and end lie in one read.
            whole = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab"
            engine.script(Answer(raw=whole))
            log.attempt = chat(client, log)
            await (await engine.received(1)).closed.wait()
            assert log.faults == []
            assert not log.over.is_set()
            assert (await chat_to_end(client)).complete

    run_on_loop(main)


@pytest.mark.parametrize("call", ["on_head", "on_body", "on_end"])
def test_a_listener_that_raises_harms_nobody_else(call: str) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with engine_and_client() as (engine, client):
            raised: list[dict[str, Any]] = []
            loop.set_exception_handler(lambda _, context: raised.append(context))
            error = ZeroDivisionError("listener")
            log = Stopper(call, error)
            chat(client, log)
            request = await engine.received(1)
            if call == "on_end":
                await log.over.wait()
            else:
                await request.closed.wait()
            assert log.faults == []
            assert [context["exception"] for context in raised] == [error]
            assert (await chat_to_end(client)).complete

    run_on_loop(main)


async def _stalled(request: EngineRequest) -> int:
    """Wait until the engine can write no more; give what it has written."""
    sent = -1
    while request.bytes_sent != sent:
        sent = request.bytes_sent
        await asyncio.sleep(0.02)  # nothing tells when a kernel's buffers are full
    return sent


def test_a_paused_answer_holds_the_engine_and_is_whole_after_all() -> None:
    async def main() -> None:
        async with engine_and_client(silence_timeout_ms=30) as (engine, client):
            size = 64 * 2**20
            engine.default = Answer(sse=b"z" * size, bytes_per_write=2**18)
            log = AnswerLog()
            attempt = chat(client, log)
            await log.heard(b"z")
            attempt.pause()
            attempt.pause()
            heard = len(log.body)
            request = engine.requests[0]
            assert await _stalled(request) < size // 2
            # The engine has been silent for longer than it may, but not by its own fault.
            await asyncio.sleep(0.1)
            assert len(log.body) == heard
            assert not log.over.is_set()
            attempt.resume()
            attempt.resume()
            await log.ended()
            assert log.complete
            assert len(log.body) == size
            assert (await chat_to_end(client)).complete

    run_on_loop(main)


def test_a_request_paused_before_it_is_connected_stays_paused() -> None:
    async def main() -> None:
        async with engine_and_client(first_byte_timeout_ms=20) as (engine, client):
            log = AnswerLog()
            attempt = chat(client, log)
            attempt.pause()
            await (await engine.received(1)).answered.wait()
            await asyncio.sleep(0.05)
            assert log.status is None
            assert not log.over.is_set()
            attempt.resume()
            assert (await log.ended()).complete

    run_on_loop(main)


class Pauser(AnswerLog):
    """Pauses at the first piece, which here is also the last."""

    attempt: Attempt | None = None

    def on_body(self, data: bytes) -> None:
        super().on_body(data)
        assert self.attempt
        self.attempt.pause()


def test_a_connection_paused_to_its_end_is_fit_for_reuse() -> None:
    async def main() -> None:
        async with engine_and_client() as (engine, client):
            engine.script(Answer(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab"))
            log = Pauser()
            log.attempt = chat(client, log)
            await log.ended()
            log.attempt.resume()
            assert (await chat_to_end(client)).complete
            assert engine.connections_made == 1

    run_on_loop(main)


def test_a_hundred_requests_half_of_them_aborted_leave_nothing_open() -> None:
    async def main() -> None:
        sockets_before = _sockets()
        async with engine_and_client() as (engine, client):
            await _storm(engine, client, random.Random(7))
            assert client.open_connections == client.idle_connections
            assert engine.running == 0
        assert _sockets() == sockets_before

    async def _storm(engine: ScriptedEngine, client: EngineClient, dice: random.Random) -> None:
        engine.default = Answer(tokens=20, token_delay_s=0.0005)
        logs = [AnswerLog() for _ in range(100)]
        attempts = [chat(client, log) for log in logs]
        victims = dice.sample(range(100), 50)
        for victim in victims:
            for _ in range(dice.randrange(20)):
                await asyncio.sleep(0)
            logs[victim].closed_to_calls = not logs[victim].over.is_set()
            attempts[victim].abort()
        survivors = [log for index, log in enumerate(logs) if index not in victims]
        await asyncio.gather(*(log.ended() for log in survivors))
        assert all(log.complete and log.body.endswith(b"data: [DONE]\n\n") for log in survivors)
        assert [fault for log in logs for fault in log.faults] == []
        assert engine.running_max > 10
        for request in engine.requests:
            if not request.answered.is_set():
                await request.closed_by_client.wait()

    run_on_loop(main)


def _sockets() -> int:
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing's own
            count += str(link.readlink()).startswith("socket:")
    return count
