"""What tells one format of traces from another, and how a file of it becomes a workload."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from evenhand.workloads.workload import Dial, DialValue, Workload

DialValues = Mapping[str, DialValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFormat:
    """A file has this format if it is JSON or not, and its first row has all the names of `needs`.
    `dials` are those of a file; `read` takes the file, values for them, and a seed, and raises
    ValueError: the file, a row or a value is wrong; the message says what to do."""

    name: str
    summary: str
    is_json: bool
    needs: frozenset[str]
    dials: Callable[[Path], tuple[Dial, ...]]
    read: Callable[[Path, DialValues, int], Workload]
