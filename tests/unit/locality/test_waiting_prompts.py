"""Whose match grows, and who begins with a prefix, beside asking each; and who is not looked at."""

from collections.abc import Iterator

import hypothesis.strategies as st
import pytest
from hypothesis import given

from evenhand.locality import WaitingPrompts, common_length

prompts = st.lists(st.sampled_from([b"a", b"b", b"\0", b"\xff"]), max_size=6).map(b"".join)


def waiting(texts: list[bytes]) -> WaitingPrompts[int]:
    found: WaitingPrompts[int] = WaitingPrompts()
    for key, text in enumerate(texts):
        found.add(key, text)
    return found


@given(st.lists(prompts, max_size=30), prompts, st.integers(0, 6))
def test_finds_all_whose_match_grows_and_no_others(
    texts: list[bytes], prefix: bytes, known: int
) -> None:
    lengths = {key: common_length(text, prefix) for key, text in enumerate(texts)}
    grown = list(waiting(texts).grown(prefix, known))
    assert dict(grown) == {key: length for key, length in lengths.items() if length > known}
    assert len(dict(grown)) == len(grown)


@given(st.lists(prompts, max_size=30), st.data())
def test_what_is_removed_is_not_found(texts: list[bytes], data: st.DataObject) -> None:
    found = waiting(texts)
    gone = data.draw(st.sets(st.sampled_from(range(len(texts))))) if texts else set()
    for key in gone:
        found.remove(key, texts[key])
    assert len(found) == len(texts) - len(gone)
    assert {key for key, _ in found.grown(b"", -1)} == set(range(len(texts))) - gone


def test_one_prompt_waits_under_many_keys() -> None:
    found = waiting([b"same"] * 5)
    found.remove(2, b"same")
    assert sorted(found.grown(b"same text", 0)) == [(0, 4), (1, 4), (3, 4), (4, 4)]


@given(st.lists(prompts, max_size=30), prompts)
def test_longest_is_the_most_that_any_of_them_begins_with(
    texts: list[bytes], prompt: bytes
) -> None:
    expected = max((common_length(prompt, text) for text in texts), default=0)
    assert waiting(texts).longest(prompt) == expected


def test_removing_what_does_not_wait_is_an_error() -> None:
    found = waiting([b"a", b"b"])
    with pytest.raises(AssertionError, match="0 waits with it"):
        found.remove(0, b"b")


class Watched(bytes):
    """A prompt that counts how often it is looked at."""

    looks = 0

    def __lt__(self, other: bytes) -> bool:
        Watched.looks += 1
        return super().__lt__(other)

    def startswith(self, *args: object) -> bool:
        Watched.looks += 1
        return super().startswith(*args)  # type: ignore[arg-type]


def numbered(count: int) -> Iterator[bytes]:
    return (Watched(b"%05d" % number) for number in range(count))


def test_looks_only_at_the_neighbours() -> None:
    found = waiting(list(numbered(10_000)))
    Watched.looks = 0
    assert {key for key, _ in found.grown(b"04567", 3)} == set(range(4560, 4570))
    assert found.longest(b"0777") == 4
    assert Watched.looks < 80
