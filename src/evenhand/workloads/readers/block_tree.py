"""Prompts given as lists of block ids, as stretches of contents.

A radix tree: an edge is a run of blocks that always followed each other, and is one content. A prompt
is a path from the root, so it has a stretch for every point at which it left an earlier prompt, and not
one for every block.
"""

from array import array
from collections.abc import Sequence

from evenhand.workloads.ask import Segment

_ROOT = -1
_UNIQUE = 1 << 62
"""Contents from here up occur once."""


class BlockTree:
    """Bounded by the distinct blocks that it was told of, eight bytes each."""

    def __init__(self, block_tokens: int) -> None:
        self.block_tokens = block_tokens
        self._blocks: list[array[int]] = []
        """Of each content."""
        self._before: list[tuple[tuple[int, int], ...]] = []
        """Of each content: the contents that lead to it, and how many blocks of each."""
        self._next: dict[tuple[int, int, int], int] = {}
        """Content, blocks of it, the block after these: the content that begins with this block."""

    def add(self, ids: Sequence[int]) -> int:
        """The content in which a prompt ends. ValueError: these are not ids."""
        try:
            row = array("q", ids)
        except (TypeError, OverflowError):
            raise ValueError("hash_ids are not whole numbers below 2^63") from None
        content, known, at = _ROOT, 0, 0
        while True:
            found = self._next.get((content, known, row[at]))
            if found is None:
                return self._begin(content, known, row[at:])
            content = found
            blocks = self._blocks[content]
            known = _common(blocks, row[at : at + len(blocks)])
            at += known
            if at == len(row):
                return content
            if known == len(blocks) and (content, known, row[at]) not in self._next:
                blocks.extend(row[at:])
                return content

    def prompt(
        self, content: int, known_tokens: int, input_tokens: int, row: int
    ) -> tuple[Segment, ...]:
        """Of `input_tokens`, of which the first `known_tokens` end in that content; what comes after
        them is like nothing else. `row` is a number that no other prompt has."""
        stretches = []
        left = known_tokens
        for earlier, blocks in self._before[content]:
            stretch = blocks * self.block_tokens
            stretches.append(Segment(earlier, stretch))
            left -= stretch
        stretches.append(Segment(content, left))
        if input_tokens > known_tokens:
            stretches.append(Segment(_UNIQUE | row, input_tokens - known_tokens))
        return tuple(stretches)

    def _begin(self, parent: int, known: int, blocks: "array[int]") -> int:
        content = len(self._blocks)
        self._blocks.append(blocks)
        before = () if parent == _ROOT else (*self._before[parent], (parent, known))
        self._before.append(before)
        self._next[parent, known, blocks[0]] = content
        return content


def _common(blocks: "array[int]", row: "array[int]") -> int:
    """How many blocks two runs begin with in common."""
    if blocks[: len(row)] == row:
        return len(row)
    low, high = 0, len(row) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if blocks[:middle] == row[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
