"""What is settled: the engine's figures where they make sense, else our own count, marked."""

import json
from typing import Any

import pytest
import uvloop

from evenhand.model import Outcome
from evenhand.wire.dialect import EngineKind
from support.gateway import CHAT, STREAM, Backend, gateway
from support.scripted_engine import Answer, ScriptedEngine, Usage

CACHED = Answer(tokens=6, prompt_tokens=50, cached_tokens=30)


async def settled(answer: Answer, asked: Any, kind: EngineKind = EngineKind.VLLM) -> dict[str, Any]:
    """The record of one request that was answered like that."""
    async with ScriptedEngine() as engine, gateway(Backend(engine, kind)) as g:
        engine.default = answer
        assert (await g.post(asked)).status == 200
        (record,) = await g.ended(1)
        assert record["outcome"] is Outcome.COMPLETED
        return record


def tokens(record: dict[str, Any]) -> tuple[int, int, int]:
    return record["input_tokens"], record["cached_input_tokens"], record["output_tokens"]


SUMS_CHOICES = [EngineKind.VLLM, EngineKind.SGLANG, EngineKind.TRTLLM]


@pytest.mark.parametrize(
    ("kind", "n"),
    [(kind, n) for kind in SUMS_CHOICES for n in (1, 3)]
    + [(EngineKind.EMBEDDED, 1), (EngineKind.LLAMACPP, 1)],
)
def test_streamed_and_unstreamed_are_charged_the_same(kind: EngineKind, n: int) -> None:
    async def main() -> None:
        whole = await settled(CACHED, {**CHAT, "n": n}, kind)
        streamed = await settled(CACHED, {**STREAM, "n": n}, kind)
        assert tokens(whole) == tokens(streamed) == (50, 30, 6 * n)
        assert whole["units"] == streamed["units"] == 20 * 10 + 30 * 1 + 6 * n * 20
        assert not whole["usage_is_estimate"]
        assert not streamed["usage_is_estimate"]

    uvloop.run(main())


@pytest.mark.parametrize("stream", [False, True])
def test_without_a_report_our_own_count_is_settled_and_marked(stream: bool) -> None:
    async def main() -> None:
        asked = {**CHAT, "stream": stream, "max_tokens": 60}
        record = await settled(Answer(tokens=60, usage=Usage.ABSENT), asked)
        assert record["usage_is_estimate"]
        # A stream's tokens come one by one; whole text is taken at four bytes a token: w10 and a space.
        assert record["output_tokens"] == (60 if stream else 58)
        assert record["input_tokens"] > 0

    uvloop.run(main())


@pytest.mark.parametrize("wrong", [Usage.DECREASING, Usage.NEGATIVE, Usage.PARTIAL, Usage.EARLY])
@pytest.mark.parametrize("continuous", [False, True])
def test_a_wrong_report_in_a_stream_never_settles_less_than_came(
    wrong: Usage, continuous: bool
) -> None:
    async def main() -> None:
        answer = Answer(tokens=6, prompt_tokens=9, usage=wrong, continuous_usage=continuous)
        record = await settled(answer, STREAM)
        assert record["output_tokens"] == 6
        # With the report at the end alone there is nothing early about it.
        assert record["usage_is_estimate"] is not (wrong is Usage.EARLY and not continuous)

    uvloop.run(main())


@pytest.mark.parametrize("wrong", [Usage.NEGATIVE, Usage.PARTIAL, Usage.DECREASING])
def test_a_wrong_report_of_a_whole_answer_is_replaced_by_our_count_of_its_text(
    wrong: Usage,
) -> None:
    async def main() -> None:
        record = await settled(Answer(tokens=8, prompt_tokens=9, usage=wrong), CHAT)
        assert record["output_tokens"] == 6, "24 bytes of text"
        assert record["usage_is_estimate"]

    uvloop.run(main())


def whole(body: Any) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return Answer(raw=head % len(raw) + raw)


STRANGE: dict[str, Any] = {
    "no choices": {"usage": None},
    "choices that are a number": {"choices": 5},
    "choices that are an object": {"choices": {"message": {"content": "x"}}},
    "choices of nothing": {"choices": [None, 7, "x", [], {}]},
    "a message that is a list": {"choices": [{"message": [{"content": "x"}]}]},
    "tool calls that are a number": {"choices": [{"message": {"tool_calls": 7}}]},
    "tool calls of nothing": {"choices": [{"message": {"tool_calls": [None, {"function": 3}]}}]},
    "nested deep": b'{"choices":[{"message":{"content":' + b"[" * 500 + b"]" * 500 + b"}}]}",
    "usage as text": {"choices": [], "usage": "many"},
    "usage beyond all reason": {
        "choices": [{"message": {"content": "x"}}],
        "usage": {"prompt_tokens": 10**30, "completion_tokens": 10**30},
    },
    "usage beyond any answer": {
        "choices": [{"message": {"content": "x"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2**62},
    },
    "details as text": {
        "choices": [],
        "usage": {"prompt_tokens": 1, "completion_tokens": 0, "prompt_tokens_details": "x"},
    },
}


@pytest.mark.parametrize("what", list(STRANGE))
def test_a_strange_whole_answer_is_passed_on_and_settled_with_reason(what: str) -> None:
    async def main() -> None:
        record = await settled(whole(STRANGE[what]), CHAT)
        assert record["output_tokens"] <= 1

    uvloop.run(main())


def test_all_the_text_of_a_whole_answer_counts() -> None:
    async def main() -> None:
        message = {
            "role": "assistant",
            "content": None,
            "reasoning_content": "a" * 40,
            "tool_calls": [{"id": "x", "function": {"name": "f", "arguments": "b" * 40}}],
        }
        text = {"text": "c" * 40}
        record = await settled(whole({"choices": [{"message": message}, text]}), CHAT)
        assert record["output_tokens"] == 30

    uvloop.run(main())


def test_a_report_beyond_all_reason_in_a_stream_is_not_believed() -> None:
    async def main() -> None:
        usage = '{"prompt_tokens":1,"completion_tokens":%d}'
        chunk = '{"choices":[{"delta":{"content":"x"}}],"usage":' + usage + "}"
        events = "".join(f"data: {chunk % count}\n\n" for count in (1, 2**62, 10**40, 4))
        record = await settled(Answer(sse=events.encode() + b"data: [DONE]\n\n"), STREAM)
        assert record["output_tokens"] == 4
        assert record["usage_is_estimate"]

    uvloop.run(main())
