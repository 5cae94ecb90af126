"""An engine that mixes up its answers: nothing of another's is passed on, and it is left alone."""

import json
from typing import Any

import pytest
import uvloop

from evenhand.engines.circuit import CircuitSettings, CircuitState, Opening
from evenhand.model import EngineName, Outcome
from evenhand.wire.dialect import EngineKind
from support.gateway import CHAT, STREAM, Backend, RunningGateway, becomes, error_of, gateway
from support.scripted_engine import Answer, ScriptedEngine

QUICK = CircuitSettings(quarantine_min_ms=30, quarantine_max_ms=60)
SECRET = "a word of another tenant"
SIX = [0, 1, 2, 3, 4, 5]


def event(
    answer_id: str = "c-1", model: str = "m", text: str = "own ", *, last: bool = False
) -> bytes:
    end = "stop" if last else None
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": end}
    body = {"id": answer_id, "object": "chat.completion.chunk", "model": model, "choices": [choice]}
    return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"


def with_usage(data: bytes, tokens: int) -> bytes:
    """As vLLM writes it on each chunk."""
    usage = b',"usage":{"prompt_tokens":2,"total_tokens":9,"completion_tokens":%d}' % tokens
    return data.removesuffix(b"}\n\n") + usage + b"}\n\n"


def a_stream(*events: bytes) -> bytes:
    return b"".join([*events, b"data: [DONE]\n\n"])


def is_quarantined(g: RunningGateway, engine: str = "e0") -> bool:
    circuit = g.dispatcher.engines[EngineName(engine)].circuit
    return circuit.state is CircuitState.OPEN and circuit.because is Opening.LYING


@pytest.mark.parametrize("bytes_per_write", [None, 7])
@pytest.mark.parametrize("reports", [True, False])
@pytest.mark.parametrize("own_events", SIX)
@pytest.mark.parametrize("wrong", [{"answer_id": "c-2"}, {"model": "m2"}])
def test_a_stream_ends_before_the_first_byte_of_another(
    bytes_per_write: int | None, reports: bool, own_events: int, wrong: dict[str, Any]
) -> None:
    async def main() -> None:
        events = [event()] * own_events + [event(text=SECRET, **wrong)] + [event()]
        if reports:
            events = [with_usage(data, number) for number, data in enumerate(events, 1)]
        body = a_stream(event(text=""), *events, event(text="", last=True))
        async with ScriptedEngine() as engine:
            engine.default = Answer(sse=body, bytes_per_write=bytes_per_write)
            async with gateway(Backend(engine, models=("m", "m2"))) as g:
                answer = await (await g.stream(STREAM)).answer()
                assert SECRET.encode() not in answer.body
                assert answer.body.count(b"own ") == own_events
                assert b"mixed up its answers" in answer.body
                assert b"[DONE]" not in answer.body
                (record,) = await g.ended(1)
                assert record["outcome"] is Outcome.ENGINE_FAILED
                assert record["output_tokens"] == own_events
                assert is_quarantined(g)

    uvloop.run(main())


def test_what_is_another_from_the_first_chunk_is_asked_of_another_engine() -> None:
    async def main() -> None:
        other = "chatcmpl-req_" + "0" * 24
        async with ScriptedEngine() as liar, ScriptedEngine() as good:
            liar.default = Answer(sse=a_stream(event(other, text=SECRET, last=True)))
            backends = Backend(liar, name="a", window=9), Backend(good, name="b", window=9)
            async with gateway(*backends) as g:
                for _ in range(5):
                    answer = await g.post(STREAM)
                    assert answer.status == 200
                    assert SECRET.encode() not in answer.body
                assert len(liar.requests) == 1
                assert is_quarantined(g, "a")

    uvloop.run(main())


def test_an_answer_that_is_not_streamed_is_looked_at_too() -> None:
    async def main() -> None:
        whole = {
            "id": "chatcmpl-req_" + "0" * 24,
            "model": "m",
            "choices": [{"index": 0, "message": {"content": SECRET}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1},
        }
        body = json.dumps(whole).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        async with ScriptedEngine() as engine:
            engine.default = Answer(raw=head % len(body) + body)
            async with gateway(Backend(engine)) as g:
                answer = await g.post(CHAT)
                assert answer.status == 502
                assert "mixed up" in error_of(answer)["message"]
                assert SECRET.encode() not in answer.body
                assert is_quarantined(g)
                (record,) = await g.ended(1)
                assert record["units"] == 0

    uvloop.run(main())


def test_one_that_has_come_to_its_senses_is_back_after_one_whole_answer() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            lie = Answer(sse=a_stream(event(), event("c-2", text=SECRET)))
            engine.script(lie, lie)
            async with gateway(Backend(engine, circuit=QUICK)) as g:
                await (await g.stream(STREAM)).answer()
                assert is_quarantined(g)
                await (await g.stream(STREAM)).answer()
                assert is_quarantined(g), "the trial was lied to as well"
                assert (await g.post(STREAM)).status == 200
                assert not is_quarantined(g)
                assert len(await g.ended(3)) == 3

    uvloop.run(main())


def test_a_router_may_make_up_ids_as_it_goes() -> None:
    async def main() -> None:
        events = [event(f"id-{number}", f"m-{number}") for number in range(5)]
        async with ScriptedEngine() as engine:
            engine.default = Answer(sse=a_stream(*events, event(text="", last=True)))
            async with gateway(Backend(engine, EngineKind.OPENAI)) as g:
                answer = await g.post(STREAM)
                assert answer.body.count(b"own ") == 5
                assert not is_quarantined(g)

    uvloop.run(main())


def test_what_was_passed_on_before_is_charged_and_nothing_else() -> None:
    async def main() -> None:
        events = [with_usage(event(), number) for number in (1, 2, 3)]
        lie = with_usage(event("c-2", text=SECRET), 5_000)
        async with ScriptedEngine() as engine:
            engine.default = Answer(sse=a_stream(*events, lie))
            async with gateway(Backend(engine)) as g:
                await (await g.stream(STREAM)).answer()
                (record,) = await g.ended(1)
                assert record["output_tokens"] == 3
                assert record["usage_is_estimate"]
                await becomes(lambda: not g.gateway.calls)

    uvloop.run(main())
