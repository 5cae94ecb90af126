"""Events of responses and messages are counted, usage is believed with suspicion, nothing is cut out."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.model import Usage
from evenhand.wire.event_meter import MESSAGES, RESPONSES, EventMeter, EventWords
from evenhand.wire.sse import event


def named(kind: str, **more: Any) -> bytes:
    return f"event: {kind}\n".encode() + event(json.dumps({"type": kind, **more}).encode())


def said(text: str) -> bytes:
    return named("response.output_text.delta", delta=text)


def completed(usage: object, kind: str = "response.completed") -> bytes:
    return named(kind, response={"id": "r", "usage": usage, "output": []})


def block(text: str) -> bytes:
    return named("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


def started(usage: object) -> bytes:
    return named("message_start", message={"id": "m", "usage": usage})


def ended(usage: object) -> bytes:
    return named("message_delta", delta={"stop_reason": "end_turn"}, usage=usage)


def fed(words: EventWords, *events: bytes) -> EventMeter:
    meter = EventMeter(words)
    for one in events:
        alike = meter.take_alike(one)
        assert (alike or meter.take(one)) == one
    return meter


USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 3,
    "output_tokens_details": {"reasoning_tokens": 2},
}


@pytest.mark.parametrize("kind", ["response.completed", "response.incomplete"])
def test_a_responses_last_event_has_its_usage(kind: str) -> None:
    meter = fed(RESPONSES, said("a"), said("b"), completed(USAGE, kind))
    assert meter.is_done
    assert meter.prompt == (9, 4)
    assert meter.usage(input_tokens_estimate=1) == Usage(9, 3, 4, reasoning_tokens=2)


def test_texts_of_all_kinds_are_counted_and_nothing_else() -> None:
    kinds = ("output_text", "reasoning_text", "function_call_arguments", "refusal")
    events = [named(f"response.{kind}.delta", delta="x") for kind in kinds]
    silent = [named("response.output_text.done", text="xxxx"), said(""), named("keepalive")]
    meter = fed(RESPONSES, *events, *silent, b": a comment\n\n")
    assert meter.output_tokens == 4
    assert meter.usage(input_tokens_estimate=7) == Usage(7, 4, is_estimate=True)
    thinking = {"type": "thinking_delta", "thinking": "hm"}
    signature = {"type": "signature_delta", "signature": "x"}
    arguments = {"type": "input_json_delta", "partial_json": "{"}
    deltas = (thinking, signature, arguments, arguments | {"partial_json": ""})
    blocks = [named("content_block_delta", index=0, delta=delta) for delta in deltas]
    assert fed(MESSAGES, *blocks, named("ping"), block("a")).output_tokens == 3


def test_the_prompt_of_a_message_is_known_at_once() -> None:
    meter = fed(MESSAGES, started({"input_tokens": 93, "output_tokens": 0}), block("a"))
    assert meter.prompt == (93, None)
    assert meter.usage(input_tokens_estimate=1) == Usage(93, 1, is_estimate=True)


def test_vllm_tells_what_was_cached_at_the_end() -> None:
    last = {"input_tokens": 29, "output_tokens": 2}
    last |= {"cache_read_input_tokens": 60, "cache_creation_input_tokens": 4}
    begun = started({"input_tokens": 93, "output_tokens": 0})
    meter = fed(MESSAGES, begun, block("a"), block("b"), ended(last), named("message_stop"))
    assert meter.is_done
    assert meter.prompt == (93, 60)
    assert meter.usage(input_tokens_estimate=1) == Usage(93, 2, 60)


def test_llamacpp_tells_of_output_alone_at_the_end() -> None:
    begun = {"input_tokens": 5, "output_tokens": 0, "cache_read_input_tokens": 8}
    meter = fed(MESSAGES, started(begun), block("a"), ended({"output_tokens": 5}))
    assert meter.usage(input_tokens_estimate=1) == Usage(13, 5, 8)


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": -1, "output_tokens": 3},
        {"input_tokens": True, "output_tokens": 3},
        {"input_tokens": 3, "output_tokens": "3"},
        {"input_tokens": 10**9, "output_tokens": 3},
        {"output_tokens": 3},
        [],
        7,
    ],
)
def test_figures_that_make_no_sense_are_not_believed(usage: object) -> None:
    meter = fed(RESPONSES, said("a"), completed(usage))
    assert meter.usage(input_tokens_estimate=7) == Usage(7, 1, is_estimate=True)
    meter = fed(MESSAGES, block("a"), ended(usage))
    assert meter.usage(input_tokens_estimate=7) == Usage(7, 1, is_estimate=True)


def test_less_output_than_was_seen_is_an_estimate() -> None:
    meter = fed(RESPONSES, *(said("a") for _ in range(5)), completed(USAGE))
    assert meter.usage(input_tokens_estimate=1).output_tokens == 5
    assert meter.usage(input_tokens_estimate=1).is_estimate


def test_errors_are_seen_and_done_is_dropped() -> None:
    assert fed(RESPONSES, named("response.failed", response={})).error_seen
    assert fed(RESPONSES, named("error", message="x")).error_seen
    assert fed(MESSAGES, named("error", error={"type": "x", "message": "y"})).error_seen
    assert fed(MESSAGES, event(b'{"error":{"message":"x"}}')).error_seen
    meter = fed(MESSAGES, block("a"))
    assert meter.take(event(b"[DONE]")) is None
    assert not meter.is_done


def test_events_without_names_are_known_by_their_type() -> None:
    delta = {"type": "response.output_text.delta", "delta": "a"}
    odd = {"delta": "a", "type": "response.output_text.delta"}
    meter = fed(RESPONSES, *(event(json.dumps(one).encode()) for one in (delta, odd)))
    assert meter.output_tokens == 2


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"])
def test_line_ends_of_any_kind(line_end: bytes) -> None:
    meter = EventMeter(RESPONSES)
    for one in (said("a"), completed(USAGE)):
        other = one.replace(b"\n", line_end)
        assert meter.take_alike(other) is None
        assert meter.take(other) == other
    assert meter.usage(input_tokens_estimate=1) == Usage(9, 3, 4, reasoning_tokens=2)


@given(st.lists(st.binary(max_size=80), max_size=12), st.sampled_from([RESPONSES, MESSAGES]))
def test_any_bytes_are_taken(pieces: list[bytes], words: EventWords) -> None:
    meter = EventMeter(words)
    before = 0
    for piece in pieces:
        if meter.take_alike(piece) is None:
            meter.take(piece)
        assert meter.output_tokens >= before
        before = meter.output_tokens
    assert meter.usage(input_tokens_estimate=3).output_tokens == meter.output_tokens


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats()
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["usage", "message", "response", "input_tokens", "output_tokens"])
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
KINDS = ["message_start", "message_delta", "response.completed", "response.failed", "error", "ping"]


@given(st.sampled_from(KINDS), JSON, st.sampled_from([RESPONSES, MESSAGES]))
def test_any_json_is_taken(kind: str, value: Any, words: EventWords) -> None:
    document = value if isinstance(value, dict) else {"usage": value, "response": value}
    meter = EventMeter(words)
    meter.take(named(kind, **{k: v for k, v in document.items() if k not in ("type", "kind")}))
    usage = meter.usage(input_tokens_estimate=3)
    assert usage.cached_input_tokens <= usage.input_tokens
