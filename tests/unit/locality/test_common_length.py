"""`common_length` beside counting byte by byte."""

from itertools import takewhile

import hypothesis.strategies as st
from hypothesis import given

from evenhand.locality import common_length


def counted(a: bytes, b: bytes) -> int:
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False))))


@given(st.binary(max_size=700), st.binary(max_size=300), st.binary(max_size=300))
def test_equals_counting(shared: bytes, left: bytes, right: bytes) -> None:
    a, b = shared + left, shared + right
    assert common_length(a, b) == common_length(b, a) == counted(a, b)


def test_every_length_where_the_texts_differ_in_one_byte() -> None:
    text = bytes(range(251)) * 3
    for at in range(len(text)):
        other = text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]
        assert common_length(text, other) == at


def test_every_length_where_the_last_byte_differs() -> None:
    for at in range(700):
        assert common_length(b"a" * at + b"b", b"a" * at + b"c") == at


def test_every_length_where_one_text_ends() -> None:
    text = b"\0" * 1500
    for end in range(len(text)):
        assert common_length(text, text[:end]) == common_length(text[:end], text) == end
