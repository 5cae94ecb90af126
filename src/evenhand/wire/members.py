"""The top-level members of a JSON object as spans of its bytes.

A body is never re-serialised: members are cut out and put in as bytes, so whatever else the client
wrote (big integers, escapes, unknown fields, order) reaches the engine as it was. The keys are not read
again: a parsed object has them in the same order.
"""

import json
import re
from collections.abc import Collection, Mapping
from operator import methodcaller
from typing import Any, NamedTuple

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
# Each match begins where the one before it ended; what is no member is one match to the body's end.
_MEMBER = re.compile(
    rb"\s*+" + _STRING + rb"\s*+:\s*+"
    # Space after the value belongs to it, as the space after a number could not be told apart.
    rb"((?>"
    + _STRING
    + rb"|"
    + _value(DEPTH_COUNTED_FROM - 1)
    + rb'|[^,{}\[\]"])[^,}"{\[]*+)(?:,|\}\s*+\Z)'
    rb"|.++",
    re.DOTALL,
)
_SPAN_OF_VALUE = methodcaller("span", 1)
# A whole string, or one structural character. Everything else (numbers, literals, space) is skipped.
_TOKEN = re.compile(_STRING + rb"|[{}\[\],:]", re.DOTALL)

Span = tuple[int, int]


class Members(NamedTuple):
    """The members of an object in order: the spans of their `values`. `depth` is how deep the whole
    document nests, from `DEPTH_COUNTED_FROM` on.

    Some readers of JSON ignore case. `disguised` are the keys that they take for another one's: those
    that are not as `casefold` writes them. `repeated` is a key that stands twice, in whatever case, or
    None: readers disagree on which one counts.
    """

    body: bytes
    values: dict[str, Span]
    depth: int
    disguised: tuple[str, ...] = ()
    repeated: str | None = None

    def value_bytes(self, keys: frozenset[str]) -> int:
        """Length of those members' values as written; 0 for one that is absent."""
        in_all = 0
        values = self.values
        for key in keys.intersection(values):
            start, end = values[key]
            in_all += end - start
        return in_all

    def rewritten(self, *, drop: Collection[str], put: bytes) -> bytes:
        """The object without the members that `drop` names, and with those of `put` at its end: JSON,
        a comma before each."""
        body, values = self.body, self.values
        if not drop or values.keys().isdisjoint(drop):
            if not put:
                return body
            return body[: body.rindex(b"}")] + (put if values else put[1:]) + b"}"
        kept = []
        start = body.index(b"{") + 1
        for key, (_, end) in values.items():
            if key not in drop:
                kept.append(body[start:end])
            start = end + 1  # after the comma
        return b"{" + (b",".join(kept) + put if kept else put[1:]) + b"}"


def scan(body: bytes, document: Mapping[str, Any]) -> Members:
    """The members of an object; `document` is what JSON makes of `body`."""
    if not document:
        return Members(body, {}, DEPTH_COUNTED_FROM)
    spans: list[Span]
    spans = list(map(_SPAN_OF_VALUE, _MEMBER.finditer(body, body.index(b"{") + 1)))
    written = "".join(document)
    if spans[-1][0] < 0 or len(spans) != len(document) or written != written.casefold():
        return _scan_closely(body)
    return Members(body, dict(zip(document, spans, strict=True)), DEPTH_COUNTED_FROM)


def _scan_closely(body: bytes) -> Members:
    """The same of an object that nests deep, or has a key twice or in another case."""
    keys, spans, depth = _walk(body)
    return Members(
        body,
        dict(zip(keys, spans, strict=True)),
        depth,
        tuple([key for key in keys if key != key.casefold()]),
        _repeated(keys),
    )


def _repeated(keys: list[str]) -> str | None:
    seen: set[str] = set()
    for key in keys:
        folded = key.casefold()
        if folded in seen:
            return key
        seen.add(folded)
    return None


def _walk(body: bytes) -> tuple[list[str], list[Span], int]:
    """Keys, values and depth of any object, token by token."""
    keys: list[str] = []
    spans: list[Span] = []
    depth = depth_max = 0
    key: Span | None = None
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
            keys.append(_key(body[key[0] + 1 : key[1] - 1]))
            spans.append((_skip_space(body, value_start), token.start()))
            key, value_start = None, -1
    return keys, spans, max(depth_max, DEPTH_COUNTED_FROM)


def _key(written: bytes) -> str:
    key: str = json.loads(b'"%b"' % written) if b"\\" in written else written.decode()
    return key


def _skip_space(body: bytes, position: int) -> int:
    while body[position] in b" \t\r\n":
        position += 1
    return position
