import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.engines.http.answer_reader import AnswerReader

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = (
    OK
    + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nContent-Type: z\r\n\r\n"
)
LENGTH = OK + b"Content-Length: 5 \r\nCONTENT-type:  a \r\ncontent-Type: b\r\nX: c\r\n\r\nabcde"
INTERIM = b"HTTP/1.1 100 Continue\r\nX: no\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: no\r\n\r\n"


def read(*reads: bytes, head_bytes_max: int = 1000) -> tuple[AnswerReader, bytes]:
    reader = AnswerReader(head_bytes_max)
    body = b""
    for data in reads:
        if not reader.fault:
            body += reader.feed(data)
    return reader, body


@pytest.mark.parametrize("wire", [CHUNKED, LENGTH, INTERIM + CHUNKED])
@given(data=st.data())
def test_an_answer_reads_the_same_however_it_is_split(wire: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(wire) - 1))))
    reads = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    reader, body = read(*reads)
    assert (reader.status, body, reader.complete, reader.reusable) == (200, b"abcde", True, True)
    assert "link" not in reader.headers
    assert "z" not in reader.headers.values()


@pytest.mark.parametrize("wire", [CHUNKED, LENGTH, INTERIM + CHUNKED])
def test_no_beginning_of_an_answer_is_complete(wire: bytes) -> None:
    for end in range(len(wire)):
        reader, _ = read(wire[:end])
        assert not reader.complete
        assert not reader.ends_at_close


def test_what_is_read_of_a_head_has_lower_case_names_and_joined_values() -> None:
    reader, _ = read(LENGTH)
    assert reader.headers == {"content-length": "5", "content-type": "a, b"}


def test_one_reader_reads_answer_after_answer_and_mixes_none() -> None:
    reader, _ = read(CHUNKED)
    no_content = b"HTTP/1.1 204 No Content\r\n\r\n"
    for wire, status, body in [
        (LENGTH, 200, b"abcde"),
        (no_content, 204, b""),
        (INTERIM + CHUNKED, 200, b"abcde"),
        (OK + b"Content-Length: 0\r\n\r\n", 200, b""),
        (CHUNKED, 200, b"abcde"),
        (OK + b"\r\nuntil the close", 200, b"until the close"),
    ]:
        assert reader.reusable
        reader.begin()
        assert (reader.status, reader.headers, reader.complete) == (0, {}, False)
        assert (reader.feed(wire), reader.status) == (body, status)
    assert reader.headers == {}
    assert reader.ends_at_close


def test_a_large_head_in_one_read_with_its_body_is_read_to_the_limit() -> None:
    head = OK + b"content-length: 900\r\nx: " + b"y" * 900 + b"\r\n\r\n"
    reader, body = read(head + b"z" * 900)
    assert len(head) < 1000
    assert (body, reader.complete) == (b"z" * 900, True)


@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
def test_without_framing_the_close_ends_the_answer(version: bytes) -> None:
    reader, body = read(version + b" 200 OK\r\n\r\nab", b"cd")
    assert body == b"abcd"
    assert reader.ends_at_close
    assert not reader.complete
    assert not reader.reusable


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_body_end_with_their_head(status: int) -> None:
    reader, _ = read(b"HTTP/1.1 %d X\r\n\r\n" % status)
    assert reader.complete
    assert reader.reusable


@pytest.mark.parametrize(
    "wire",
    [
        OK + b"Connection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        LENGTH + b"x",
        LENGTH + LENGTH,
        CHUNKED + b"HTTP/1.1 200",
        OK + b"Connection: close\r\nContent-Length: 0\r\n\r\nmore",
        LENGTH + b"x" * 2000,
        # Complete with the last byte that the head might have had, and then more.
        OK + b"Content-Length: 960\r\n\r\n" + b"y" * 960 + b"x",
    ],
)
def test_a_complete_answer_may_still_forbid_reuse(wire: bytes) -> None:
    reader, _ = read(wire)
    assert reader.complete
    assert not reader.reusable


@pytest.mark.parametrize(
    "wire",
    [
        b"\x16\x03\x01",
        b"ICY 200 OK\r\n\r\n",
        b"<html>",
        OK + b"Content-Length: x\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        OK + b"Transfer-Encoding: gzip\r\n\r\n",
        OK + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        OK + b"bad header\r\n\r\n",
        b"HTTP/1.1 200 OK\n\n",
        b"HTTP/1.1 101 Switch\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ],
)
def test_what_is_not_plain_http_is_an_error(wire: bytes) -> None:
    reader, body = read(wire)
    assert reader.fault
    assert (body, reader.is_over, reader.complete, reader.reusable) == (b"", True, False, False)


def test_body_before_the_fault_is_told_still() -> None:
    reader, body = read(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\n")
    assert reader.fault
    assert body == b"ab"


@pytest.mark.parametrize(
    "start",
    [
        b"",
        OK,
        OK + b"x: ",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3;",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx: ",
    ],
)
def test_no_part_of_an_answer_but_its_body_grows_without_end(start: bytes) -> None:
    filler = INTERIM if not start else b"x" * 50
    reader, _ = read(start, *[filler] * 30)
    assert "more than 1000 bytes" in reader.fault


def test_a_head_beyond_the_limit_is_an_error_even_in_one_read_with_body() -> None:
    reader, body = read(OK + b"x: " + b"y" * 1001 + b"\r\nContent-Length: 1\r\n\r\nz")
    assert "more than 1000 bytes" in reader.fault
    assert body == b""


def test_a_long_stream_may_hold_any_amount_of_framing() -> None:
    reader, body = read(OK + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\na\r\n"] * 2000)
    assert len(body) == 2000
    assert not reader.complete
