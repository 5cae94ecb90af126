"""The client leaves: the engine's connection closes before its next token, and the slot is free."""

import asyncio

import pytest
import uvloop

from evenhand.gateway.http import EdgeSettings
from evenhand.model import Outcome
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
from support.raw_http import open_stream
from support.scripted_engine import Answer, ScriptedEngine

HEAD = f"POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {KEY_A}\r\n"


async def half_sent(g: RunningGateway) -> asyncio.StreamWriter:
    """A request whose body does not come."""
    _, writer = await asyncio.open_connection(g.host, g.port)
    writer.write(HEAD.encode() + b'Content-Length: 100\r\n\r\n{"model"')
    await becomes(lambda: bool(g.gateway.calls))
    return writer


def test_while_sending_its_body_it_counts_once_and_no_engine_hears_of_it() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            writer = await half_sent(g)
            writer.close()
            await writer.wait_closed()
            (record,) = await g.ended(1)
            assert record["outcome"] is Outcome.CANCELLED_QUEUED
            assert (record["units"], record["dispatches"]) == (0, 0)
            assert g.counted() == {Outcome.CANCELLED_QUEUED: 1}
            assert not engine.requests

    uvloop.run(main())


@pytest.mark.parametrize(
    ("rest", "outcome", "status"),
    [
        (b"Content-Length: 40\r\n\r\n{", Outcome.SLOW_SENDER, 408),
        (b"Transfer-Encoding: chunked\r\n\r\n40\r\n" + b"x" * 64, Outcome.BODY_TOO_LARGE, 413),
    ],
)
def test_what_the_edge_refuses_in_the_body_has_one_outcome_the_edges(
    rest: bytes, outcome: Outcome, status: int
) -> None:
    async def main() -> None:
        setup = Setup(edge=EdgeSettings(body_timeout_ms=30, body_bytes_max=50))
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            reader, writer = await asyncio.open_connection(g.host, g.port)
            writer.write(HEAD.encode() + rest)
            told = await reader.readline()
            writer.close()
            await writer.wait_closed()
            assert str(status).encode() in told
            (record,) = await g.ended(1)
            assert g.counted() == {outcome: 1}
            assert (record["outcome"], record["status"]) == (outcome, status)
            assert record["tenant"] == ("a",)

    uvloop.run(main())


def test_while_it_waits_it_is_never_dispatched_and_its_place_is_free() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine, window=1)) as g:
            engine.default = Answer(gated=True)
            running = await g.stream(STREAM)
            await engine.received(1)
            waiting = await g.stream(STREAM)
            await becomes(lambda: g.scheduler.backlog.requests == 1)
            waiting.leave()
            (record,) = await g.ended(1)
            assert record["outcome"] is Outcome.CANCELLED_QUEUED
            assert (record["units"], record["dispatches"]) == (0, 0)
            assert g.scheduler.backlog.requests == 0
            engine.requests[0].release()
            assert (await running.answer()).is_whole
            await g.ended(2)
            assert len(engine.requests) == 1

    uvloop.run(main())


@pytest.mark.parametrize("asked", [CHAT, STREAM])
@pytest.mark.parametrize("tokens", [0, 3])
def test_while_the_engine_works_it_is_stopped_before_its_next_token(
    asked: object, tokens: int
) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine, window=1)) as g:
            engine.script(Answer(tokens=8, prompt_tokens=9, gated=True))
            stream = await g.stream(asked)
            request = await engine.received(1)
            request.step(tokens)
            await request.produced(tokens)
            if asked is STREAM:
                for _ in range(tokens + 1):
                    await stream.event()
            waiting = asyncio.create_task(g.post(CHAT, key=KEY_B))
            await becomes(lambda: g.scheduler.backlog.requests == 1)
            stream.leave()
            await request.closed_by_client.wait()
            assert request.tokens_produced == tokens
            assert (await waiting).status == 200, "the slot is free for who waits"
            record = (await g.ended(2))[0]
            assert record["outcome"] is Outcome.CANCELLED_RUNNING
            assert record["usage_is_estimate"]
            known = tokens if asked is STREAM else 0
            assert record["output_tokens"] == known
            # An answer that is not streamed kept the engine busy, nobody knows for how long.
            expected = tokens if asked is STREAM else CHAT["max_tokens"]
            assert record["units"] == record["input_tokens"] * 10 + expected * 20

    uvloop.run(main())


def test_before_the_engine_has_answered_at_all() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine, window=1)) as g:
            engine.script(Answer(hang_before_head=True))
            stream = await g.stream(STREAM)
            request = await engine.received(1)
            stream.leave()
            await request.closed_by_client.wait()
            assert (await g.post(CHAT)).status == 200
            record = (await g.ended(2))[0]
            assert (record["outcome"], record["output_tokens"]) == (Outcome.CANCELLED_RUNNING, 0)
            assert record["input_tokens"] > 0

    uvloop.run(main())


def test_an_orderly_goodbye_is_a_leaving_too() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(gated=True)
            stream = await g.stream(STREAM)
            request = await engine.received(1)
            stream.writer.write_eof()
            await request.closed_by_client.wait()
            assert (await g.ended(1))[0]["outcome"] is Outcome.CANCELLED_RUNNING

    uvloop.run(main())


@pytest.mark.parametrize("who", ["client", "engine", "drain"])
def test_after_done_the_answer_is_complete_whoever_breaks_off(who: str) -> None:
    async def main() -> None:
        chunk = b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n'
        body = chunk + b"data: [DONE]\n\n"
        head = (
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
        )
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(raw=head + b"\r\n%x\r\n%b\r\n" % (len(body), body))
            stream = await g.stream(STREAM)
            await stream.event()
            assert await stream.event() == b"[DONE]"
            assert len(g.gateway.calls) == 1, "the engine has not ended its answer"
            if who == "client":
                stream.leave()
            elif who == "engine":
                await engine.crash()
            else:
                g.gateway.stop_calls()
            (record,) = await g.ended(1)
            assert (record["outcome"], record["output_tokens"]) == (Outcome.COMPLETED, 1)
            if who != "client":
                assert await stream.event() is None
                assert stream.is_whole

    uvloop.run(main())


def test_while_it_waits_for_another_engine_after_the_first_has_failed() -> None:
    async def main() -> None:
        async with ScriptedEngine() as bad, ScriptedEngine() as busy:
            bad.default = Answer(cut_after_bytes=0)
            busy.default = Answer(gated=True)
            backends = Backend(bad, name="a", window=9), Backend(busy, name="b", window=1)
            async with gateway(*backends) as g:
                g.set_up("a", is_up=False)
                running = await g.stream(STREAM)
                await busy.received(1)
                g.set_up("a", is_up=True)
                waiting = await g.stream(STREAM)
                await bad.received(1)
                await becomes(lambda: g.scheduler.backlog.requests == 1)
                waiting.leave()
                (record,) = await g.ended(1)
                assert record["outcome"] is Outcome.CANCELLED_QUEUED
                assert (record["units"], record["dispatches"]) == (0, 1)
                running.leave()
                await g.ended(2)
                assert len(busy.requests) == 1

    uvloop.run(main())


def test_a_client_that_sends_nonsense_after_its_request_is_cut_and_its_engine_stopped() -> None:
    async def main() -> None:
        setup = Setup(edge=EdgeSettings(body_bytes_max=5000, head_bytes_max=1000))
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            engine.default = Answer(gated=True)
            stream = await g.stream(STREAM)
            request = await engine.received(1)
            stream.writer.write(b"x" * 20_000)
            await request.closed_by_client.wait()
            await g.ended(1)
            again = await open_stream(g.host, g.port, HEAD.strip(), b"{}")
            assert (await again.answer()).status == 400
            await again.close()

    uvloop.run(main())
