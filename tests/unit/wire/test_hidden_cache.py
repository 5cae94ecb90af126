"""Figures of cached tokens taken out of answers: every one, and nothing else."""

import json

import hypothesis.strategies as st
import pytest
from hypothesis import given

from evenhand.wire.hidden_cache import (
    without_cached,
    without_cached_in_message,
    without_cached_in_messages_events,
)

DETAILS = {"usage": {"prompt_tokens": 7, "prompt_tokens_details": {"cached_tokens": 123}}}


@pytest.mark.parametrize("separators", [(",", ":"), (", ", " : ")])
def test_each_figure_becomes_none_and_keeps_its_place(separators: tuple[str, str]) -> None:
    body = json.dumps([DETAILS, DETAILS], separators=separators).encode()
    hidden = without_cached(body)
    assert len(hidden) == len(body)
    details = [one["usage"]["prompt_tokens_details"] for one in json.loads(hidden)]
    assert details == [{"cached_tokens": 0}] * 2


def test_what_a_model_says_of_cached_tokens_is_left_as_it_is() -> None:
    body = json.dumps({"content": json.dumps(DETAILS)}).encode()
    assert without_cached(body) is not None
    assert json.loads(without_cached(body)) == json.loads(body)


@given(
    text=st.text(max_size=60).filter(lambda text: text != "cached_tokens"), cached=st.integers(0)
)
def test_whatever_stands_beside_it_stays(text: str, cached: int) -> None:
    body = json.dumps({"a": text, "cached_tokens": cached, text: 1}).encode()
    assert json.loads(without_cached(body)) == json.loads(body) | {"cached_tokens": 0}


def test_responses_hide_every_turn() -> None:
    usage = (
        b'{"input_tokens":15,"input_tokens_details":{"cached_tokens":12,"cache_write_tokens":3,'
        b'"cached_tokens_per_turn":[4, 8]},"output_tokens":5}'
    )
    details = json.loads(without_cached(usage))["input_tokens_details"]
    assert details == {"cached_tokens": 0, "cache_write_tokens": 0, "cached_tokens_per_turn": []}


MESSAGE_USAGE = {
    "input_tokens": 29,
    "output_tokens": 5,
    "cache_creation_input_tokens": 4,
    "cache_read_input_tokens": 60,
    "cache_creation": {"ephemeral_5m_input_tokens": 4},
}
HIDDEN = {
    "input_tokens": 93,
    "output_tokens": 5,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
}


def test_messages_show_all_input_as_computed() -> None:
    start = {"type": "message_start", "message": {"id": "m", "usage": MESSAGE_USAGE}}
    end = {"type": "message_delta", "delta": {"stop_reason": "x"}, "usage": MESSAGE_USAGE}
    text = {"type": "content_block_delta", "delta": {"text": json.dumps({"usage": MESSAGE_USAGE})}}
    events = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in (start, text, end))
    hidden = without_cached_in_messages_events(events).split(b"\n\n")
    first, second, third = (json.loads(one.removeprefix(b"data: ")) for one in hidden[:3])
    assert first["message"]["usage"] == HIDDEN
    assert second == text
    assert third["usage"] == HIDDEN


def test_of_a_whole_message_only_its_own_usage_is_changed() -> None:
    call = {"type": "tool_use", "id": "t", "name": "n", "input": {"usage": MESSAGE_USAGE}}
    answer = {"id": "m", "content": [call], "usage": MESSAGE_USAGE, "model": "m"}
    hidden = json.loads(without_cached_in_message(json.dumps(answer).encode()))
    assert hidden == {**answer, "usage": HIDDEN}
    for odd in (b"[]", b"{", b'{"usage":7}', b'{"id":"m"}'):
        assert without_cached_in_message(odd) == odd


@given(st.binary(max_size=200))
def test_any_bytes_of_messages_are_taken(data: bytes) -> None:
    without_cached_in_messages_events(data + b'"cache_' + data)
    without_cached_in_message(data)
    mangled = b'{"usage":{"cache_read_input_tokens":' + data + b"}}"
    without_cached_in_message(mangled)
    without_cached_in_messages_events(mangled)
