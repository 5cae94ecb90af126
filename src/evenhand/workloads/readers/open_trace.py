"""A file of recorded traffic as a workload: recognises its format, and gives it dials."""

import csv
from collections.abc import Mapping
from pathlib import Path

import orjson

from evenhand.workloads.readers.azure import AZURE
from evenhand.workloads.readers.bailian import BAILIAN
from evenhand.workloads.readers.burstgpt import BURSTGPT
from evenhand.workloads.readers.jsonl import JSONL
from evenhand.workloads.readers.servegen import SERVEGEN
from evenhand.workloads.readers.trace_file import first_line
from evenhand.workloads.readers.trace_format import TraceFormat
from evenhand.workloads.readers.vtc import VTC
from evenhand.workloads.workload import Dial, DialValue, Workload, WorkloadRecipe

FORMATS: tuple[TraceFormat, ...] = (AZURE, BURSTGPT, VTC, SERVEGEN, BAILIAN, JSONL)
"""The first that fits is taken: what needs more names comes first."""

_AUTO = "auto"
_FORMAT = Dial(
    name="format",
    meaning="how the file is read; auto: as its first row says",
    default=_AUTO,
    words=(_AUTO, *(form.name for form in FORMATS)),
)


def trace_recipe(path: Path, form: str = _AUTO) -> WorkloadRecipe:
    """The file, `.gz` or not, as something to make workloads of; `form` is the name of its format.
    ValueError: it cannot be opened, or has no format that is known."""
    found = _recognised(path) if form == _AUTO else next(f for f in FORMATS if f.name == form)
    return WorkloadRecipe(
        name=path.name,
        summary=f"recorded traffic: {found.summary}",
        source=str(path),
        build=lambda seed, values: found.read(path, values, seed),
        dials=(_FORMAT, *found.dials(path)),
        is_synthetic=False,
    )


def open_trace(
    path: Path, given: Mapping[str, DialValue] | None = None, *, seed: int = 0
) -> Workload:
    """The workload of a file. Reads and checks all of it now; asks are made anew for each run.
    ValueError: what is wrong with the file, its rows or a dial, and what to do."""
    form = _FORMAT.checked((given or {}).get("format", _AUTO))
    return trace_recipe(path, str(form)).make(seed, given)


def _recognised(path: Path) -> TraceFormat:
    is_json, members = _members(first_line(path))
    for form in FORMATS:
        if form.is_json == is_json and form.needs <= members:
            return form
    seen = ", ".join(sorted(members)) or "nothing"
    names = ", ".join(form.name for form in FORMATS)
    raise ValueError(
        f"{path.name} has no known format: its first row names {seen[:200]}."
        f" Formats are {names}; --set format=NAME chooses one."
    )


def _members(line: bytes) -> tuple[bool, frozenset[str]]:
    """Whether a first row is JSON, and what it names."""
    text = line.decode("utf-8", errors="replace").removeprefix("\ufeff").strip()
    if not text.startswith("{"):
        return False, frozenset(name.strip() for name in next(csv.reader([text])))
    try:
        return True, frozenset(orjson.loads(text))
    except orjson.JSONDecodeError:
        return True, frozenset()
