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

from evenhand.workloads.readers.row import Row, json_number, moment, shown, tokens, whole
from evenhand.workloads.readers.row_format import Remarks, row_format
from evenhand.workloads.readers.trace_file import Told, json_rows
from evenhand.workloads.readers.trace_format import DialValues

_NEEDS = frozenset({"timestamp", "input_length", "output_length"})
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
        unread = row.keys() - _KNOWN
        if unread:
            self.unread |= unread
        at_ms = moment("timestamp", json_number(row, "timestamp"))
        input_tokens = tokens("input_length", json_number(row, "input_length"))
        output_tokens = tokens("output_length", json_number(row, "output_length"))
        blocks = row.get("hash_ids") or ()
        if row.keys() <= _MOONCAKE:
            return Row(at_ms, input_tokens, output_tokens, blocks=_list(blocks))
        call_index = _count(row, "call_index", 0)
        return Row(
            at_ms,
            input_tokens,
            output_tokens,
            tenant=_text(row, "tenant"),
            weights=_weights(row.get("weight")),
            application=_text(row, "app") or "default",
            session=_text(row, "session"),
            interaction=_text(row, "interaction"),
            call_index=call_index,
            calls_total=_count(row, "calls_total", call_index + 1),
            lane=_text(row, "lane") or "default",
            id=_text(row, "id"),
            parents=_parents(row.get("parent")),
            blocks=_list(blocks),
        )


def _list(blocks: object) -> list[int]:
    if type(blocks) is list:
        return blocks
    if blocks == ():
        return []
    raise ValueError(f"hash_ids is {shown(blocks)}, not a list")


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    raise ValueError(f"{name} is {shown(value)}, not a text")


def _count(row: dict[str, Any], name: str, default: int) -> int:
    if row.get(name) is None:
        return default
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
