"""Events survive any splitting and any line ends."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.wire.sse import EventSplitter, EventTooLong, event, payload

STREAM = b'data: {"a":1}\n\n: comment\n\nevent: x\ndata: two\ndata: lines\n\ndata: [DONE]\n\n'
PAYLOADS = [b'{"a":1}', None, b"two\nlines", b"[DONE]"]


def split(stream: bytes, cuts: list[int]) -> list[bytes]:
    splitter = EventSplitter(event_bytes_max=1000)
    bounds = [0, *sorted(cuts), len(stream)]
    events = []
    for start, end in pairwise(bounds):
        events += splitter.feed(stream[start:end])
    assert b"".join(events) + splitter.rest == stream
    return events


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_every_single_split_gives_the_same_events(line_end: bytes) -> None:
    stream = STREAM.replace(b"\n", line_end)
    for cut in range(len(stream) + 1):
        assert [payload(e) for e in split(stream, [cut])] == PAYLOADS


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_any_splits_give_the_same_events(cuts: list[int]) -> None:
    assert [payload(e) for e in split(STREAM, cuts)] == PAYLOADS


def test_mixed_line_ends_end_events() -> None:
    stream = b"data: 1\r\rdata: 2\n\r\ndata: 3\r\n\ndata: 4\n\n"
    found = [payload(e) for e in split(stream, [])]
    assert [p for p in found if p is not None] == [b"1", b"2", b"3", b"4"]


@given(st.lists(st.binary(max_size=40)))
def test_any_bytes_are_kept_and_nothing_is_raised(pieces: list[bytes]) -> None:
    splitter = EventSplitter(event_bytes_max=10_000)
    out = b"".join(b"".join(splitter.feed(piece)) for piece in pieces)
    assert out + splitter.rest == b"".join(pieces)


def test_an_endless_event_is_given_up() -> None:
    splitter = EventSplitter(event_bytes_max=100)
    with pytest.raises(EventTooLong):
        for _ in range(20):
            splitter.feed(b"data: 0123456789")


def test_a_byte_order_mark_does_not_hide_the_first_event() -> None:
    assert payload(b"\xef\xbb\xbfdata: 1\n\n") == b"1"


def test_event_and_payload_are_inverse() -> None:
    assert payload(event(b'{"a":1}')) == b'{"a":1}'
