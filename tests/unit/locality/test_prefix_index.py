"""The prefix index by example: who holds what, what is forgotten first, and long texts."""

import gc
import random
import tracemalloc

import pytest

from evenhand.locality import HOLDING_BYTES, NODE_BYTES, PrefixIndex
from evenhand.model import EngineName

EAST, WEST = EngineName("east"), EngineName("west")
ROOMY = 1 << 24


def test_nobody_holds_anything_at_first() -> None:
    index = PrefixIndex(ROOMY)
    assert index.longest(b"hello") == (0, ())
    assert index.matched(b"hello", EAST) == 0
    assert index.matched_by_engine(b"hello") == {}
    assert index.bytes_stored == 0


def test_a_prompt_is_matched_as_far_as_somebody_holds_it() -> None:
    index = PrefixIndex(ROOMY)
    index.insert(b"system prompt, question one", WEST)
    index.insert(b"system prompt, question two", EAST)
    assert index.longest(b"system prompt, question one, again") == (27, (WEST,))
    assert index.longest(b"system prompt, another") == (15, (EAST, WEST))
    assert index.matched(b"system prompt, question two", WEST) == 24
    assert index.matched_by_engine(b"system prompt, question two") == {WEST: 24, EAST: 27}


def test_of_what_is_evicted_all_that_is_shorter_stays() -> None:
    index = PrefixIndex(ROOMY)
    for engine in (EAST, WEST):
        index.insert(b"abcdef", engine)
    index.evict(EAST, b"abcd")
    assert index.matched_by_engine(b"abcdef") == {EAST: 3, WEST: 6}
    index.evict(WEST, b"abx")
    assert index.matched_by_engine(b"abcdef") == {EAST: 3, WEST: 6}
    index.evict(WEST, b"")
    assert index.matched_by_engine(b"abcdef") == {EAST: 3}
    assert index.bytes_stored == 3 + NODE_BYTES


def test_evicting_what_differs_midway_changes_nothing() -> None:
    index = PrefixIndex(ROOMY)
    index.insert(b"stem, left", EAST)
    index.insert(b"stem, right", EAST)
    index.evict(EAST, b"stXm, left")
    index.evict(EAST, b"stem, leXt")
    assert index.matched(b"stem, left", EAST) == 10


def test_an_eviction_that_cuts_an_edge_keeps_the_bound() -> None:
    index = PrefixIndex(NODE_BYTES + HOLDING_BYTES + 20)
    for engine in (EAST, WEST):
        index.insert(b"a" * 20, engine)
    index.evict(EAST, b"a" * 10)
    assert index.matched_by_engine(b"a" * 20) == {EAST: 9, WEST: 9}
    assert index.bytes_stored == NODE_BYTES + HOLDING_BYTES + 9


def test_who_takes_the_bit_of_one_that_left_inherits_nothing() -> None:
    index = PrefixIndex(ROOMY)
    index.insert(b"abc", EAST)
    index.forget(EAST)
    assert index.bytes_stored == 0
    index.insert(b"xyz", WEST)
    assert index.longest(b"abc") == (0, ())
    assert index._engines.bit(WEST) == 1


def test_an_engine_unknown_may_be_forgotten_and_evict() -> None:
    index = PrefixIndex(ROOMY)
    index.insert(b"abc", EAST)
    index.forget(WEST)
    index.evict(WEST, b"abc")
    assert index.longest(b"abc") == (3, (EAST,))


def test_what_was_inserted_least_recently_is_forgotten_first() -> None:
    index = PrefixIndex(3 * NODE_BYTES + 30)
    texts = [bytes([letter]) * 10 for letter in b"abcd"]
    for text in (texts[0], texts[1], texts[2], texts[0], texts[3]):
        index.insert(text, EAST)
    assert [index.matched(text, EAST) for text in texts] == [10, 0, 10, 10]


def test_asking_is_no_use() -> None:
    index = PrefixIndex(2 * NODE_BYTES + 20)
    for text in (b"a" * 10, b"b" * 10):
        index.insert(text, EAST)
    index.longest(b"a" * 10)
    index.matched(b"a" * 10, EAST)
    index.insert(b"c" * 10, EAST)
    assert index.matched(b"a" * 10, EAST) == 0


def test_the_branches_are_forgotten_before_the_stem() -> None:
    index = PrefixIndex(4 * NODE_BYTES + 400)
    for number in range(100):
        index.insert(b"s" * 300 + b"%02d" % number * 10, EAST)
    assert index.matched(b"s" * 300, EAST) == 300
    index.insert(b"x" * 60, EAST)
    assert index.matched(b"s" * 300, EAST) == 300


def test_of_a_prefix_longer_than_all_room_a_part_is_remembered() -> None:
    index = PrefixIndex(NODE_BYTES + 100)
    index.insert(b"b" * 50, WEST)
    index.insert(b"a" * 1000, EAST)
    assert index.longest(b"a" * 1000) == (100, (EAST,))
    assert index.bytes_stored == NODE_BYTES + 100


def test_a_room_too_small_for_any_prefix_is_refused() -> None:
    with pytest.raises(AssertionError, match="room for a prefix"):
        PrefixIndex(NODE_BYTES)


def test_the_turns_of_a_conversation_are_one_stretch_of_text() -> None:
    index = PrefixIndex(ROOMY)
    talk = random.Random(3).randbytes(100_000)
    for end in range(1_000, 100_001, 1_000):
        index.insert(talk[:end], EAST)
    assert index.bytes_stored == 100_000 + NODE_BYTES


def test_a_tree_deeper_than_the_stack_is_searched_and_emptied() -> None:
    index = PrefixIndex(ROOMY)
    for length in range(1_500):
        index.insert(b"a" * length + b"b", EAST)
    assert index.longest(b"a" * 1_500) == (1_499, (EAST,))
    index.evict(EAST, b"a")
    assert index.longest(b"a" * 1_500) == (0, ())
    assert index.longest(b"b") == (1, (EAST,))


def test_engines_beyond_the_bits_of_a_machine_word() -> None:
    index = PrefixIndex(ROOMY)
    names = [EngineName(f"engine-{number:03}") for number in range(200)]
    for name in names:
        index.insert(b"shared", name)
    assert index.longest(b"shared text") == (6, tuple(names))


@pytest.mark.parametrize(
    "texts",
    [
        [b"%08x" % (number * 2654435761 % 2**32) for number in range(20_000)],
        [b"a" * length + b"b" for length in range(500)],
    ],
    ids=["many short texts", "a branch at each byte"],
)
def test_it_takes_no_more_memory_than_it_says(texts: list[bytes]) -> None:
    gc.collect()
    tracemalloc.start()
    try:
        index = PrefixIndex(ROOMY)
        for text in texts:
            index.insert(text, EAST)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken <= index.bytes_stored <= ROOMY
