"""An engine fails after the first byte: one error event, no `[DONE]`, and what it produced counts."""

import asyncio
import json

import pytest
import uvloop

from evenhand.engines.http import ClientSettings
from evenhand.gateway.settings import CallLimits
from evenhand.model import Outcome
from evenhand.wire.dialect import EngineKind
from support.gateway import STREAM, Backend, Setup, error_of, gateway
from support.raw_http import RawAnswer
from support.scripted_engine import Answer, Framing, ScriptedEngine, Usage

IMPATIENT = Setup(client=ClientSettings(first_byte_timeout_ms=60, silence_timeout_ms=60))


def events_of(answer: RawAnswer) -> list[bytes]:
    assert answer.is_whole
    *events, rest = answer.body.split(b"\n\n")
    assert not rest
    return [event.removeprefix(b"data: ") for event in events]


def assert_ends_in_an_error(answer: RawAnswer) -> str:
    """The stream's last event is its one error; its message."""
    *events, last = events_of(answer)
    assert b"[DONE]" not in events
    assert not any(b'"error"' in event for event in events)
    error = json.loads(last)["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    message: str = error["message"]
    return message


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("tokens", [0, 3])
@pytest.mark.parametrize("kind", [EngineKind.VLLM, EngineKind.LLAMACPP, EngineKind.OPENAI])
def test_death_in_the_stream_is_an_error_event_and_what_was_produced_is_settled(
    kind: EngineKind, tokens: int, reset: bool
) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, ScriptedEngine() as other:
            engine.default = Answer(tokens=8, prompt_tokens=9, cut_after_tokens=tokens, reset=reset)
            async with gateway(Backend(engine, kind, name="a"), Backend(other, name="b")) as g:
                answer = await g.post(STREAM)
                assert answer.status == 200
                assert_ends_in_an_error(answer)
                (record,) = await g.ended(1)
                assert record["outcome"] is Outcome.ENGINE_FAILED
                assert (record["output_tokens"], record["usage_is_estimate"]) == (tokens, True)
                assert not other.requests, "never again after the first byte"

    uvloop.run(main())


@pytest.mark.parametrize("after", [0, 3])
def test_an_engine_that_hangs_in_the_stream_is_given_up(after: int) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=IMPATIENT) as g:
            engine.default = Answer(hang_after_tokens=after)
            answer = await g.post(STREAM)
            assert answer.status == 200, "the role came"
            assert_ends_in_an_error(answer)
            (record,) = await g.ended(1)
            assert record["outcome"] is Outcome.ENGINE_TIMEOUT
            assert record["output_tokens"] == after
            await engine.requests[0].closed_by_client.wait()

    uvloop.run(main())


def test_an_error_event_in_the_stream_ends_it_with_one_error_and_no_done() -> None:
    async def main() -> None:
        chunk = b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n'
        error = b'data: {"error":{"message":"CUDA out of memory","code":500}}\n\n'
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(sse=chunk + error + chunk + b"data: [DONE]\n\n")
            answer = await g.post(STREAM)
            assert "CUDA out of memory" in assert_ends_in_an_error(answer)
            assert events_of(answer)[0] + b"\n\n" == chunk.removeprefix(b"data: ")
            (record,) = await g.ended(1)
            assert (record["outcome"], record["output_tokens"]) == (Outcome.ENGINE_FAILED, 1)

    uvloop.run(main())


@pytest.mark.parametrize(
    ("framing", "outcome"),
    [
        (Framing.CHUNKED, Outcome.COMPLETED),
        (Framing.LENGTH, Outcome.COMPLETED),
        (Framing.CLOSE, Outcome.ENGINE_FAILED),
    ],
)
def test_a_stream_without_done_is_whole_only_where_http_says_so(
    framing: Framing, outcome: Outcome
) -> None:
    async def main() -> None:
        chunk = b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n'
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(sse=chunk, framing=framing)
            answer = await g.post(STREAM)
            (record,) = await g.ended(1)
            assert (record["outcome"], record["output_tokens"]) == (outcome, 1)
            if outcome is Outcome.COMPLETED:
                assert answer.body == chunk
            else:
                assert_ends_in_an_error(answer)

    uvloop.run(main())


@pytest.mark.parametrize("framing", list(Framing))
def test_a_stream_with_done_is_whole_however_it_is_framed(framing: Framing) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(tokens=3, framing=framing)
            assert events_of(await g.post(STREAM))[-1] == b"[DONE]"
            assert (await g.ended(1))[0]["outcome"] is Outcome.COMPLETED

    uvloop.run(main())


def test_an_event_that_never_ends_is_given_up() -> None:
    async def main() -> None:
        setup = Setup(limits=CallLimits(event_bytes_max=1000))
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            first = b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n'
            for sse in (first + b"data: " + b"a" * 3000, b"data: " + b"a" * 3000):
                engine.default = Answer(sse=sse, bytes_per_write=300)
                answer = await g.post(STREAM)
                if sse.startswith(first):
                    assert_ends_in_an_error(answer)
                else:
                    assert (answer.status, error_of(answer)["code"]) == (502, "answer_too_large")
            records = await g.ended(2)
            assert [r["outcome"] for r in records] == [Outcome.ANSWER_TOO_LARGE] * 2
            assert records[0]["output_tokens"] == 1

    uvloop.run(main())


def test_usage_that_came_before_the_death_is_the_measure() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(
                tokens=8, prompt_tokens=70, cached_tokens=60, cut_after_tokens=2, usage=Usage.HONEST
            )
            await g.post(STREAM)
            (record,) = await g.ended(1)
            assert (record["input_tokens"], record["cached_input_tokens"]) == (70, 60)
            assert record["units"] == 10 * 10 + 60 + 2 * 20
            await asyncio.sleep(0)

    uvloop.run(main())
