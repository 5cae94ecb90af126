"""Mooncake's JSON lines, and Evenhand's own: the same with tenants.

Mooncake: `timestamp` (ms), `input_length`, `output_length` (tokens), `hash_ids` (blocks of 512 tokens).
Ours adds, each optional: `tenant` (a path: `acme/search`), `weight` (a whole number, or one for each
node of the path from the top down), `app`, `session`, `interaction`, `call_index`, `calls_total`,
`lane`, `id`, and `parent` (the id of an earlier row that was answered before this one was sent, or a
list of them).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evenhand.workloads.readers.row import (
    TOKENS_MAX,
    Row,
    json_number,
    moment,
    shown,
    tokens,
    whole,
)
from evenhand.workloads.readers.row_format import Remarks, row_format
from evenhand.workloads.readers.trace_file import Told, json_rows
from evenhand.workloads.readers.trace_format import DialValues

_NEEDS = frozenset({"timestamp", "input_length", "output_length"})
_PLAIN_MAX = 1 << 49
_MOONCAKE = _NEEDS | {"hash_ids"}
_KNOWN = _MOONCAKE | {
    *("tenant", "weight", "app", "session", "interaction", "call_index"),
    *("calls_total", "lane", "id", "parent"),
}


class _Parser:
    """`unread`: names of members that it passed over."""

    def __init__(self) -> None:
        self.unread: set[str] = set()

    def __call__(self, row: dict[str, Any]) -> Row:
        if not row.keys() <= _KNOWN:
            self.unread |= row.keys() - _KNOWN
        get = row.get
        at_ms = get("timestamp")
        # What is as it should be costs no call: a file may have millions of rows.
        if type(at_ms) is not int or not 0 <= at_ms < _PLAIN_MAX:
            at_ms = moment("timestamp", json_number(row, "timestamp"))
        input_tokens, output_tokens = get("input_length"), get("output_length")
        if type(input_tokens) is not int or not 0 < input_tokens < TOKENS_MAX:
            input_tokens = tokens("input_length", json_number(row, "input_length"))
        if type(output_tokens) is not int or not 0 < output_tokens < TOKENS_MAX:
            output_tokens = tokens("output_length", json_number(row, "output_length"))
        blocks = get("hash_ids")
        if type(blocks) is not list:
            blocks = _no_list(blocks)
        if row.keys() <= _MOONCAKE:
            return Row(at_ms, input_tokens, output_tokens, blocks=blocks)
        call_index = _count(row, "call_index", 0)
        return Row(
            at_ms,
            input_tokens,
            output_tokens,
            _text(row, "tenant"),
            _weights(get("weight")),
            _text(row, "app") or "default",
            _text(row, "session"),
            _text(row, "interaction"),
            call_index,
            _count(row, "calls_total", call_index + 1),
            _text(row, "lane") or "default",
            _text(row, "id"),
            _parents(get("parent")),
            blocks,
        )


def _no_list(blocks: object) -> list[int]:
    if blocks is None:
        return []
    raise ValueError(f"hash_ids is {shown(blocks)}, not a list")


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if type(value) is str:
        return value
    if value is None:
        return ""
    if type(value) is int:
        return str(value)
    raise ValueError(f"{name} is {shown(value)}, not a text")


def _count(row: dict[str, Any], name: str, default: int) -> int:
    count = row.get(name)
    if count is None:
        return default
    if type(count) is not int:
        count = whole(name, json_number(row, name))
    if not 0 <= count < 1 << 31:
        raise ValueError(f"{name} is {count}, not a count")
    return count


def _weights(value: object) -> tuple[int, ...]:
    if value is None:
        return ()
    weights = value if type(value) is list else [value]
    if not weights or any(type(w) is not int or not 1 <= w <= 1_000_000 for w in weights):
        raise ValueError(f"weight is {shown(value)}, not a whole number from 1 to 1,000,000")
    return tuple(weights)


def _parents(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    parents = value if type(value) is list else [value]
    if any(type(parent) not in (str, int) for parent in parents):
        raise ValueError(f"parent is {shown(value)}, not an id")
    return tuple(dict.fromkeys(map(str, parents)))


def _rows(path: Path, values: DialValues, bad: Told, remarks: Remarks) -> Iterator[tuple[int, Row]]:
    del values
    parser = _Parser()
    yield from json_rows(path, parser, bad)
    if parser.unread:
        names = ", ".join(sorted(parser.unread)[:10])
        remarks.append(f"Members of rows that say nothing here: {names}.")


JSONL = row_format(
    name="jsonl",
    summary="Mooncake's JSON lines, and Evenhand's own with tenants, sessions and calls",
    is_json=True,
    needs=_NEEDS,
    rows=_rows,
    has_parents=True,
)
