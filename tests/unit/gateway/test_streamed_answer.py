"""What a client gets of a stream does not depend on the pieces in which it came."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.gateway.streamed_answer import StreamedAnswer
from evenhand.model import Outcome, Usage
from evenhand.wire.stream_meter import StreamMeter

HEAD = b'data: {"id":"c-1","object":"chat.completion.chunk","model":"m","choices":['


def chunk(delta: bytes, tokens: int | None = None) -> bytes:
    """In the shape of vLLM's; `tokens` None: as the client gets it."""
    used = b'"prompt_tokens":9,"total_tokens":99,"completion_tokens":%d' % (tokens or 0)
    usage = b"" if tokens is None else b',"usage":{%b}' % used
    return HEAD + b'{"index":0,"delta":{%b},"finish_reason":null}]%b}\n\n' % (delta, usage)


TEXTS = (b"One", b" two", b" \\n", b' \\"', b" {five}", b" six")
ROLE = b'"role":"assistant","content":""'
EVENTS = [
    chunk(ROLE, 0),
    *(chunk(b'"content":"%b"' % text, 2 * number) for number, text in enumerate(TEXTS, 1)),
    HEAD + b'],"usage":{"prompt_tokens":9,"total_tokens":22,"completion_tokens":13}}\n\n',
]
DONE = b"data: [DONE]\n\n"
WANTED = b"".join([chunk(ROLE), *(chunk(b'"content":"%b"' % text) for text in TEXTS)])
ERROR = b'data: {"error":{"message":"out of memory"}}\n\n'


def answer() -> StreamedAnswer:
    meter = StreamMeter(client_wants_usage=False, client_wants_each=False, asked_for_more=True)
    return StreamedAnswer(meter, event_bytes_max=10_000, is_delimited=True)


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    bounds = [0, *sorted(cuts), len(stream)]
    return [stream[start:end] for start, end in pairwise(bounds)]


def test_event_by_event() -> None:
    streamed = answer()
    out = [streamed.feed(event) for event in [*EVENTS, DONE]]
    assert b"".join(out) == WANTED + DONE
    assert streamed.ending() is Outcome.COMPLETED
    assert streamed.usage(1) == Usage(9, 13)


ENDS = [b"", DONE, DONE + EVENTS[2], ERROR, ERROR + EVENTS[2] + DONE]


@given(st.lists(st.integers(0, len(b"".join(EVENTS))), max_size=12), st.sampled_from(ENDS))
def test_in_any_pieces(cuts: list[int], end: bytes) -> None:
    streamed = answer()
    out = b"".join(streamed.feed(piece) for piece in pieces(b"".join(EVENTS) + end, cuts))
    assert out == WANTED + (DONE if end.startswith(DONE) else b"")
    assert (streamed.error is not None) is (b"error" in end)
    assert streamed.usage(1).output_tokens == 13


@pytest.mark.parametrize("number", range(1, 4))
@pytest.mark.parametrize("end", [DONE, ERROR])
def test_nothing_is_passed_on_after_the_end(number: int, end: bytes) -> None:
    streamed = answer()
    for event in EVENTS[: number + 1]:
        streamed.feed(event)
    assert streamed.feed(end) == (end if end is DONE else b"")
    assert [streamed.feed(event) for event in EVENTS[number + 1 : 7]] == [b""] * (6 - number)


@pytest.mark.parametrize("line_end", [b"\r\r", b"\r\n\r\n", b"\n\n"])
def test_an_error_behind_any_line_end_is_not_taken_for_text(line_end: bytes) -> None:
    streamed = answer()
    for event in EVENTS[:3]:
        streamed.feed(event)
    before, _, usage = EVENTS[3].partition(b'"}')
    hidden = before + b'"}}]}' + line_end + ERROR[:-3] + usage[usage.index(b',"usage"') :]
    assert b"error" not in streamed.feed(hidden)
    assert streamed.error is not None
