"""What tells one format of traces from another, and how its rows are read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from evenhand.workloads.readers.row import Row
from evenhand.workloads.readers.trace_file import Told
from evenhand.workloads.workload import Dial, DialValue

DialValues = Mapping[str, DialValue]

Remarks = list[str]
"""What a reader of results must know of how a trace was read."""

Rows = Callable[[Path, DialValues, Told, Remarks], Iterator[tuple[int, Row]]]
"""The rows of a file with their numbers of lines; tells of bad ones, and adds remarks by its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFormat:
    """A file has this format if it is JSON or not, and its first row has all the names of `needs`.
    `dials` are its own, beside those of every trace. `block_tokens`: of the blocks of its prompts.
    `has_parents`: its rows may wait for others."""

    name: str
    summary: str
    is_json: bool
    needs: frozenset[str]
    rows: Rows
    dials: tuple[Dial, ...] = ()
    block_tokens: int = 512
    has_parents: bool = False
