"""The top-level members of a JSON object as spans of its bytes.

A body is never re-serialised: members are cut out and put in as bytes, so whatever else the client
wrote (big integers, escapes, unknown fields, order) reaches the engine as it was.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

# A whole string, or one structural character. Everything else (numbers, literals, space) is skipped.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Member:
    """One `"key": value`; `start` to `end` spans both, `value_start` to `end` the value."""

    key: str
    start: int
    value_start: int
    end: int


@dataclass(frozen=True, slots=True)
class Members:
    """The members of an object in order, with how deep the whole document nests."""

    body: bytes
    members: tuple[Member, ...]
    depth: int

    def repeated(self) -> str | None:
        """A key that stands twice, in whatever case, or None. Readers disagree on which one counts,
        and some ignore case."""
        seen: set[str] = set()
        for member in self.members:
            key = member.key.casefold()
            if key in seen:
                return member.key
            seen.add(key)
        return None

    def value_bytes(self, key: str) -> int:
        """Length of that member's value as written; 0 if it is absent."""
        return sum(m.end - m.value_start for m in self.members if m.key == key)

    def rewritten(self, *, drop: Collection[str], put: Mapping[str, bytes]) -> bytes:
        """The object without the members named in either, and with those of `put` (as JSON)."""
        kept = [m for m in self.members if m.key not in drop and m.key not in put]
        if len(kept) == len(self.members) and not put:
            return self.body
        parts = [self.body[m.start : m.end] for m in kept]
        parts += [json.dumps(key).encode() + b":" + value for key, value in put.items()]
        return b"{" + b",".join(parts) + b"}"


def scan(body: bytes) -> Members | None:
    """The members of a document that is known to be valid JSON; None if it is not an object."""
    if not body.lstrip(b" \t\r\n").startswith(b"{"):
        return None
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
            name = json.loads(body[key[0] : key[1]])
            end = token.start()
            found.append(Member(name, key[0], _skip_space(body, value_start), end))
            key, value_start = None, -1
    return Members(body, tuple(found), depth_max)


def _skip_space(body: bytes, position: int) -> int:
    while body[position] in b" \t\r\n":
        position += 1
    return position
