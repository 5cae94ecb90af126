"""The log loses lines rather than time, and a line is one line whatever is in it."""

import contextlib
import os
import re
import threading
from datetime import UTC, datetime
from select import PIPE_BUF

import orjson
import pytest

from evenhand.model import InteractionId, ModelName, Outcome
from evenhand.telemetry import RequestLog, RequestRecord, fd_sink
from evenhand.telemetry.request_log import TEXT_CHARS_MAX
from support.ended_request import ended_request

HOSTILE = [
    "a\r\nb",
    "\x1b[31mred\x1b[0m",
    "c1 \x9b2J \x85",
    "sep \u2028 \u2029",
    "bidi \u202e",
    'quote " \\',
    "lone \ud800 surrogate",
    "\x00\x07\x7f",
]


def logged(*records: RequestRecord) -> list[bytes]:
    written = bytearray()
    log = RequestLog(written.extend)
    for record in records:
        log.request(record)
    assert log.close()
    return bytes(written).splitlines(keepends=True)


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_gives_one_line_that_names_it_and_the_request(outcome: Outcome) -> None:
    (line,) = logged(ended_request(outcome=outcome))
    read = orjson.loads(line)
    assert read["event"] == "request"
    assert read["outcome"] == outcome.value
    assert read["request_id"] == "r1"
    assert read["tenant"] == "acme/search"


def test_every_field_of_the_record_is_on_the_line() -> None:
    (line,) = logged(ended_request())
    assert set(orjson.loads(line)) == {*RequestRecord.__annotations__, "time", "event"}


def test_what_never_came_about_is_null() -> None:
    record = ended_request(
        tenant=None, model=None, engine=None, queue_wait_ms=None, ttft_ms=None, dispatches=0
    )
    read = orjson.loads(logged(record)[0])
    names = ("tenant", "model", "engine", "queue_wait_ms", "ttft_ms")
    assert [read[name] for name in names] == [None] * 5


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_every_field_stays_on_one_printable_line(text: str) -> None:
    every = {
        name: text
        for name, value in ended_request().items()
        if isinstance(value, str) and name != "outcome"
    }
    assert {"interaction", "model", "application"} <= every.keys()
    (line,) = logged(ended_request(tenant=(text, text), **every))
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert line.decode()[:-1].isprintable()
    assert orjson.loads(line)["request_id"]


TEXTS = sorted(
    name for name, value in ended_request().items() if isinstance(value, str) and name != "outcome"
)


@pytest.mark.parametrize("text", [*HOSTILE, "long" * TEXT_CHARS_MAX])
@pytest.mark.parametrize("name", [*TEXTS, "tenant"])
def test_one_hostile_text_among_plain_ones_is_found(name: str, text: str) -> None:
    (line,) = logged(ended_request(**{name: (text,) if name == "tenant" else text}))
    assert line.decode()[:-1].isprintable()
    read = orjson.loads(line)
    plain = orjson.loads(logged(ended_request())[0])
    assert len(read[name]) <= TEXT_CHARS_MAX
    assert {k for k in plain if read[k] != plain[k]} <= {name, "time"}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_an_event_stays_on_one_printable_line(text: str) -> None:
    lines: list[bytes] = []
    log = RequestLog(lines.append)
    log.event(text, reason=text)
    assert log.close()
    assert len(lines) == 1
    assert lines[0].decode()[:-1].isprintable()


def test_json_escapes_can_be_read_back() -> None:
    (line,) = logged(ended_request(interaction=InteractionId("a\r\n\x1b[0mé漢")))
    assert orjson.loads(line)["interaction"] == "a\r\n\x1b[0mé漢"


def test_a_long_text_is_cut_and_the_cut_is_marked() -> None:
    (line,) = logged(ended_request(model=ModelName("x" * 100_000)))
    model = orjson.loads(line)["model"]
    assert len(model) == TEXT_CHARS_MAX
    assert model.endswith("x...")


def test_events_carry_their_fields_and_the_time() -> None:
    lines: list[bytes] = []
    log = RequestLog(lines.append, clock=lambda: 1_700_000_000.25)
    log.event("engine_down", engine="e1", reason="refused", in_flight=3)
    assert log.close()
    read = orjson.loads(lines[0])
    assert datetime.fromisoformat(read.pop("time")) == datetime.fromtimestamp(1_700_000_000.25, UTC)
    assert read == {"event": "engine_down", "engine": "e1", "reason": "refused", "in_flight": 3}


def test_lines_keep_their_order() -> None:
    records = [ended_request(status=status) for status in range(200, 500)]
    statuses = [orjson.loads(line)["status"] for line in logged(*records)]
    assert statuses == list(range(200, 500))


def test_a_pipe_that_nobody_reads_costs_lines_and_no_time() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"\n" * 512)
    os.set_blocking(writing, True)
    log = RequestLog(fd_sink(writing), buffer_bytes_max=50_000)
    for _ in range(2_000):
        log.request(ended_request())
    assert not log.close(wait_ms=1)
    dropped = log.dropped_lines
    assert 1_800 < dropped < 2_000
    # The reader comes back: what was buffered arrives whole.
    got: list[bytes] = []
    rest = b""
    while len(got) < 2_000 - dropped:
        *lines, rest = (rest + os.read(reading, 65_536)).split(b"\n")
        got += filter(None, lines)
    assert all(orjson.loads(line)["request_id"] == "r1" for line in got)
    assert log.close(wait_ms=10_000)
    os.close(reading)
    os.close(writing)


def test_lines_are_written_whole_in_writes_that_a_pipe_takes_at_once() -> None:
    writes: list[bytes] = []
    may_write = threading.Event()

    def sink(lines: bytes) -> None:
        may_write.wait()
        writes.append(lines)

    log = RequestLog(sink)
    for _ in range(100):
        log.request(ended_request())
    log.event("long", **{f"f{n}": "x" * 200 for n in range(30)})
    may_write.set()
    assert log.close()
    assert sum(lines.count(b"\n") for lines in writes) == 101
    assert all(lines.endswith(b"\n") for lines in writes)
    assert all(len(lines) <= PIPE_BUF or lines.count(b"\n") == 1 for lines in writes)
    assert len(writes) < 30


def test_lines_for_a_reader_that_is_gone_are_counted() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    log = RequestLog(fd_sink(writing))
    for _ in range(5):
        log.request(ended_request())
    assert log.close()
    assert log.dropped_lines == 5
    os.close(writing)


def test_a_closed_stream_is_counted_and_later_lines_are_tried_again() -> None:
    lines: list[bytes] = []
    has_failed = threading.Event()

    def sink(line: bytes) -> None:
        if not has_failed.is_set():
            has_failed.set()
            raise ValueError("I/O operation on closed file")
        lines.append(line)

    log = RequestLog(sink)
    log.event("first")
    has_failed.wait()
    log.event("second")
    assert log.close()
    assert [orjson.loads(line)["event"] for line in lines] == ["second"]
    assert log.dropped_lines == 1


def test_a_record_has_no_place_for_prompts_or_credentials() -> None:
    allowed_texts = {"request_id", "interaction", "path", "application", "lane", "model", "engine"}
    texts = {name for name, value in ended_request().items() if isinstance(value, str)}
    assert texts == allowed_texts | {"outcome"}
    assert not any(re.search("prompt|text|body|key|secret|header", name) for name in texts)
