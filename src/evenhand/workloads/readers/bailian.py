"""Qwen-Bailian's usage traces (JSON lines).

`chat_id`, `parent_chat_id`, `timestamp` (s), `input_length`, `output_length`, `type`, `turn`, `hash_ids`
(blocks of 16 tokens). A turn waits for the answer to the one before it; a conversation is a session; its
type is the application.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evenhand.workloads.readers.row import Row, json_number, moment, shown, tokens, whole
from evenhand.workloads.readers.row_format import Remarks, row_format
from evenhand.workloads.readers.trace_file import Told, json_rows
from evenhand.workloads.readers.trace_format import DialValues

_NO_PARENT = -1


class _Parser:
    def __init__(self) -> None:
        self._sessions: dict[int, str] = {}

    def __call__(self, row: dict[str, Any]) -> Row:
        chat, parent = _id(row, "chat_id"), _id(row, "parent_chat_id", _NO_PARENT)
        blocks = row.get("hash_ids", [])
        if type(blocks) is not list:
            raise ValueError(f"hash_ids is {shown(blocks)}, not a list")
        read = Row(
            1000 * moment("timestamp", json_number(row, "timestamp")),
            tokens("input_length", json_number(row, "input_length")),
            tokens("output_length", json_number(row, "output_length")),
            application=str(row.get("type") or "default")[:100],
            session=self._sessions.get(parent, str(chat)),
            id=str(chat),
            parents=() if parent == _NO_PARENT else (str(parent),),
            blocks=blocks,
        )
        self._sessions[chat] = read.session
        return read


def _id(row: dict[str, Any], name: str, default: int | None = None) -> int:
    if default is not None and row.get(name) is None:
        return default
    return whole(name, json_number(row, name))


def _rows(path: Path, values: DialValues, bad: Told, remarks: Remarks) -> Iterator[tuple[int, Row]]:
    del values, remarks
    return json_rows(path, _Parser(), bad)


BAILIAN = row_format(
    name="bailian",
    summary="Qwen-Bailian usage traces (JSON lines) with turns of conversations",
    is_json=True,
    needs=frozenset({"chat_id", "timestamp", "input_length", "output_length"}),
    rows=_rows,
    block_tokens=16,
    has_parents=True,
)
