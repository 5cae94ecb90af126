"""The form of a key: what is made has it, what is mistyped has not."""

import re

from hypothesis import given
from hypothesis import strategies as st

from evenhand.stores.key_text import ID_PATTERN, is_key, key_text, new_key, new_key_id

FORM = re.compile(r"evh_[0-9A-Za-z]{49}")
BYTES = st.binary(min_size=32, max_size=32)


@given(BYTES)
def test_a_key_has_prefix_secret_and_checksum(secret: bytes) -> None:
    key = key_text(secret)
    assert FORM.fullmatch(key)
    assert is_key(key)


@given(BYTES, BYTES)
def test_other_bytes_make_another_key(one: bytes, other: bytes) -> None:
    assert (key_text(one) == key_text(other)) == (one == other)


def test_the_extremes_fit() -> None:
    assert len(key_text(b"\xff" * 32)) == len(key_text(bytes(32)))
    assert key_text(bytes(32))[4:47] == "0" * 43


@given(BYTES, st.integers(0, 52), st.sampled_from("0aZ_-é"))
def test_one_wrong_character_is_noticed(secret: bytes, place: int, character: str) -> None:
    key = key_text(secret)
    mistyped = key[:place] + character + key[place + 1 :]
    assert is_key(mistyped) == (mistyped == key)


@given(BYTES, st.integers(0, 51))
def test_two_swapped_characters_are_noticed(secret: bytes, place: int) -> None:
    key = key_text(secret)
    swapped = key[:place] + key[place + 1] + key[place] + key[place + 2 :]
    assert is_key(swapped) == (swapped == key)


@given(st.text(max_size=80))
def test_anything_else_is_no_key(text: str) -> None:
    assert not is_key(text)


def test_new_ones_are_new() -> None:
    assert len({new_key() for _ in range(1_000)}) == 1_000
    ids = {new_key_id() for _ in range(1_000)}
    assert len(ids) == 1_000
    assert all(re.fullmatch(ID_PATTERN, key_id) for key_id in ids)
