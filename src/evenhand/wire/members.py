"""The top-level members of a JSON object as spans of its bytes.

A body is never re-serialised: members are cut out and put in as bytes, so whatever else the client
wrote (big integers, escapes, unknown fields, order) reaches the engine as it was.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

DEPTH_COUNTED_FROM = 8
"""Documents that nest less are all said to nest so deep: counting costs more than it tells."""

# A string. `[^"]` is eight times as fast as `[^"\\]`, and bodies are made of long texts: a quote after
# exactly one backslash is in the text, one after none or two ends it. Only where more backslashes stand
# in a row is the string walked escape by escape.
_STRING = (
    rb'(?>"[^"]*+(?:(?<=[^\\]\\)"[^"]*+)*+(?:(?<!\\)|(?<=[^\\]\\\\))"'
    rb'|"[^"\\]*+(?:\\.[^"\\]*+)*+")'
)


def _value(depth: int) -> bytes:
    """What matches an array or an object of at most that depth in valid JSON."""
    inner = b"|" + _value(depth - 1) if depth > 1 else b""
    return rb'[\[{](?:[^"{}\[\]]++|' + _STRING + inner + rb")*+[\]}]"


# Nothing here ever steps back: a body that does not match is found out in one pass, whoever wrote it.
_MEMBER = re.compile(
    rb"\s*+(" + _STRING + rb")\s*+:\s*+"
    # Space after the value belongs to it, as the space after a number could not be told apart.
    rb"((?>"
    + _STRING
    + rb"|"
    + _value(DEPTH_COUNTED_FROM - 1)
    + rb'|[^,{}\[\]"])[^,}"{\[]*+)([,}])',
    re.DOTALL,
)
_EMPTY = re.compile(rb"\s*+\}")
# A whole string, or one structural character. Everything else (numbers, literals, space) is skipped.
_TOKEN = re.compile(_STRING + rb"|[{}\[\],:]", re.DOTALL)


class Member(NamedTuple):
    """One `"key": value`; `start` to `end` spans both, `value_start` to `end` the value. `folded` is the
    key without regard to case: some readers of JSON ignore it."""

    key: str
    folded: str
    start: int
    value_start: int
    end: int


@dataclass(frozen=True, slots=True)
class Members:
    """The members of an object in order. `depth` is how deep the whole document nests, from
    `DEPTH_COUNTED_FROM` on."""

    body: bytes
    members: tuple[Member, ...]
    depth: int

    def repeated(self) -> str | None:
        """A key that stands twice, in whatever case, or None. Readers disagree on which one counts,
        and some ignore case."""
        seen: set[str] = set()
        for member in self.members:
            if member.folded in seen:
                return member.key
            seen.add(member.folded)
        return None

    def value_bytes(self, keys: Collection[str]) -> int:
        """Length of those members' values as written; 0 for one that is absent."""
        return sum([m.end - m.value_start for m in self.members if m.key in keys])

    def rewritten(self, *, drop: Collection[str], put: Mapping[str, bytes]) -> bytes:
        """The object without the members named in either, and with those of `put` (as JSON)."""
        kept = [m for m in self.members if m.key not in drop and m.key not in put]
        if len(kept) < len(self.members):
            parts = [self.body[m.start : m.end] for m in kept]
        elif not put:
            return self.body
        else:  # all stay as they stand, in one piece
            parts = [self.body[kept[0].start : kept[-1].end]] if kept else []
        parts += [json.dumps(key).encode() + b":" + value for key, value in put.items()]
        return b"{" + b",".join(parts) + b"}"


def scan(body: bytes) -> Members | None:
    """The members of a document that is known to be valid JSON; None if it is not an object."""
    position = _skip_space(body, 0)
    if body[position] != ord("{"):
        return None
    position += 1
    found: list[Member] = []
    if _EMPTY.match(body, position):
        return Members(body, (), DEPTH_COUNTED_FROM)
    mark = b","
    while mark == b",":
        member = _MEMBER.match(body, position)
        if member is None:
            return _scan_deep(body)
        start, key_end = member.span(1)
        value_start, end = member.span(2)
        found.append(_member(body, start, key_end, value_start, end))
        position = member.end()
        mark = member[3]
    return Members(body, tuple(found), DEPTH_COUNTED_FROM)


def _scan_deep(body: bytes) -> Members:
    """The same of an object that nests as deep as is counted, token by token."""
    found: list[Member] = []
    depth = depth_max = 0
    key: tuple[int, int] | None = None
    value_start = -1
    for token in _TOKEN.finditer(body):
        mark = body[token.start()]
        if mark in b"{[":
            depth += 1
            depth_max = max(depth, depth_max)
        elif mark in b"}]":
            depth -= 1
        if depth > 1 or (depth == 1 and mark in b"]}"):
            continue
        if mark == ord('"') and value_start < 0:
            key = token.span()
        elif mark == ord(":"):
            value_start = token.end()
        elif mark in b",}" and key is not None:
            found.append(_member(body, *key, _skip_space(body, value_start), token.start()))
            key, value_start = None, -1
    return Members(body, tuple(found), max(depth_max, DEPTH_COUNTED_FROM))


def _member(body: bytes, start: int, key_end: int, value_start: int, end: int) -> Member:
    written = body[start + 1 : key_end - 1]
    key = json.loads(b'"%b"' % written) if b"\\" in written else written.decode()
    return Member(key, key.casefold(), start, value_start, end)


def _skip_space(body: bytes, position: int) -> int:
    while body[position] in b" \t\r\n":
        position += 1
    return position
