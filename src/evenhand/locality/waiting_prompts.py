"""The prompts that wait, sorted: those that begin alike stand side by side.

So when an engine gains a prefix, or loses one, the prompts whose match that changes are found from its
place in the order, and no other prompt is looked at.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from operator import itemgetter
from typing import Generic, TypeVar

from evenhand.locality.common_length import common_length

Key = TypeVar("Key", int, str)
_prompt = itemgetter(0)


class WaitingPrompts(Generic[Key]):
    """Bounded by its user, who adds what it has queued. A key waits once; a prompt may wait under any
    number of keys."""

    def __init__(self) -> None:
        self._entries: list[tuple[bytes, Key]] = []

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, key: Key, prompt: bytes) -> None:
        insort(self._entries, (prompt, key))

    def remove(self, key: Key, prompt: bytes) -> None:
        """It waits no longer. It must have been added with this prompt."""
        place = bisect_left(self._entries, (prompt, key))
        assert self._entries[place : place + 1] == [(prompt, key)], f"{key!r} waits with it"
        del self._entries[place]

    def grown(self, prefix: bytes, known: int) -> Iterator[tuple[Key, int]]:
        """Whose match grows when an engine that held the first `known` bytes of a prefix gains the rest
        of it, and to how many bytes. Nothing may be added or removed before the last is taken."""
        place = self._place(prefix)
        yield from self._alike(prefix, known, range(place, len(self._entries)))
        yield from self._alike(prefix, known, range(place - 1, -1, -1))

    def longest(self, prompt: bytes) -> int:
        """How many bytes of it some waiting prompt begins with, at most. One of its two neighbours
        does."""
        place = self._place(prompt)
        beside = self._entries[max(0, place - 1) : place + 1]
        return max((common_length(prompt, other) for other, _ in beside), default=0)

    def _place(self, prefix: bytes) -> int:
        """Of the first prompt that is not less than the prefix."""
        return bisect_left(self._entries, prefix, key=_prompt)

    def _alike(self, prefix: bytes, known: int, places: range) -> Iterator[tuple[Key, int]]:
        """Outward from the prefix's place the common length never grows again."""
        common = prefix
        for place in places:
            prompt, key = self._entries[place]
            if not prompt.startswith(common):
                common = prefix[: common_length(prefix, prompt)]
            if len(common) <= known:
                return
            yield key, len(common)
