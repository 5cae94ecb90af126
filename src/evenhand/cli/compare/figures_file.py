"""A file of figures, read back."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from evenhand.sim.measures.figures import RunFigures

FILE_BYTES_MAX = 2**30
_RUNS = TypeAdapter(dict[str, RunFigures])


class FiguresFileError(Exception):
    """The file cannot be used; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class FiguresFile:
    """What a run of `evenhand simulate` found, by policy, and what it was given."""

    file: Path
    policies: Mapping[str, RunFigures]
    inputs: Mapping[str, Any]


def read_figures(file: Path) -> FiguresFile:
    """Raises FiguresFileError."""
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            raise FiguresFileError(f"{file} is larger than {FILE_BYTES_MAX} bytes: no such file is")
        content = orjson.loads(file.read_bytes())
    except OSError as error:
        raise FiguresFileError(f"{file} cannot be read ({error.strerror})") from error
    except orjson.JSONDecodeError as error:
        message = f"{file} is no JSON (line {error.lineno}: {error.msg})"
        raise FiguresFileError(f"{message}; {_ADVICE}") from error
    if not isinstance(content, dict) or not isinstance(content.get("policies"), dict):
        raise FiguresFileError(f"{file} has no `policies`; {_ADVICE}")
    try:
        policies = _RUNS.validate_python(content["policies"])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        message = f"{file}: policies.{where}: {first['msg'].lower()}"
        raise FiguresFileError(f"{message}; {_ADVICE}") from error
    if not policies:
        raise FiguresFileError(f"{file} has no policy in it; {_ADVICE}")
    inputs = content.get("inputs")
    return FiguresFile(file, policies, inputs if isinstance(inputs, dict) else {})


_ADVICE = "give a file that `evenhand simulate ... --json FILE` wrote"
