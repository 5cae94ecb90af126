"""A stretch of blocks in a tree of prompts, described by the prompt that it was computed for.

Tokens have no ids here: the n-th token of a content is like no other. So two prompts that agree up to
a token have the same segments up to there, and go on alike for as long as both stay in the same content.
"""

from evenhand.workloads.ask import Segment

Path = tuple[Segment, ...]
"""What a sequence of tokens consists of; no segment of it is empty."""

Key = tuple[int, ...]
"""What tells a block from others that could follow the same tokens."""

_FEW = 3  # segments that are as quickly compared one by one


class Node:
    """Tokens `start` to `end` of a path, whole blocks. Its segment `index`, in which they start, begins
    at token `begin`; `last_index` and `last_begin` are of one that they end in or after, as late as is
    known. `holders`: sequences that end here and children that are held; without any it is idle. Two
    nodes differ, whatever they hold."""

    __slots__ = (
        "begin",
        "children",
        "end",
        "holders",
        "index",
        "key",
        "last_begin",
        "last_index",
        "parent",
        "path",
        "start",
    )

    def __init__(self, path: Path, start: int, end: int, index: int, begin: int) -> None:
        self.path = path
        self.start = start
        self.end = end
        self.index = index
        self.begin = begin
        self.last_index = index
        self.last_begin = begin
        self.key: Key = ()
        self.parent: Node | None = None
        self.children: dict[Key, Node] = {}
        self.holders = 0

    def absorb(self, parent: "Node") -> None:
        """Begin where its parent begins, which has no other child and is no more."""
        assert parent.parent is not None
        self.start, self.index, self.begin = parent.start, parent.index, parent.begin
        self.key, self.parent = parent.key, parent.parent
        self.parent.children[self.key] = self

    def agrees_to(self, path: Path, index: int, begin: int) -> int:
        """Up to which token, `end` at most, another path is like this one; it is like it up to `start`,
        which is in its segment `index` that begins at `begin`."""
        mine, i, at, end = self.path, self.index, self.begin, self.end
        if at != begin:
            return self.start
        if len(mine) > i + _FEW and mine[i:] == path[index : index + len(mine) - i]:
            return end  # the many turns of a talk, at once
        while True:
            content, tokens = mine[i]
            other, others = path[index]
            if content != other:
                return at
            if tokens != others or at + tokens >= end:
                return min(at + min(tokens, others), end)
            at += tokens
            i += 1
            index += 1
            if index == len(path):
                return at


def cursor(path: Path, index: int, begin: int, position: int) -> tuple[int, int]:
    """The segment that a token is in, and where it begins; from one before on."""
    while (end := begin + path[index][1]) <= position:
        begin = end
        index += 1
    return index, begin


def block_key(path: Path, index: int, begin: int, end: int) -> Key:
    """Of the block before token `end`, which starts in segment `index`, which begins at `begin`."""
    content, tokens = path[index]
    if begin + tokens >= end:
        return (content, begin)
    key = [content, begin]
    while (begin := begin + tokens) < end:
        index += 1
        content, tokens = path[index]
        key += (content, begin)
    return tuple(key)
