"""The kinds of single values that a configuration holds: names, tenant paths, numbers, seconds."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)

from evenhand.model import TenantPath

SECTION = ConfigDict(
    extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
)
"""How every section is validated: unknown keys refused, immutable, values kept out of errors."""

NAME_PATTERN = "^[A-Za-z0-9._-]{1,64}$"
MODEL_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,255}$"
MODEL_EXPECTS = "a model name (1 to 256 letters, digits, . _ : / @ + -)"
_MODEL_OR_ALL_PATTERN = r"^(\*|[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,255})$"


def _text(pattern: str, expects: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "x-expects": expects})


Name = Annotated[
    str,
    StringConstraints(pattern=NAME_PATTERN),
    _text(NAME_PATTERN, "a name (1 to 64 letters, digits, . _ -)"),
]

Model = Annotated[
    str,
    StringConstraints(pattern=MODEL_PATTERN),
    _text(MODEL_PATTERN, MODEL_EXPECTS),
]

ModelOrAll = Annotated[
    str,
    StringConstraints(pattern=_MODEL_OR_ALL_PATTERN),
    _text(_MODEL_OR_ALL_PATTERN, 'a model name or "*"'),
]


def _parse_tenant(text: object) -> TenantPath:
    if isinstance(text, str):
        path = tuple(text.split("/"))
        if all(re.fullmatch(NAME_PATTERN[1:-1], name) for name in path):
            return path
    raise ValueError("must be a tenant's path, names joined by slashes, such as acme/search")


TenantText = Annotated[
    TenantPath,
    PlainValidator(_parse_tenant),
    PlainSerializer("/".join, return_type=str),
    WithJsonSchema({"type": "string", "x-expects": "a tenant's path such as acme/search"}),
]


def _parse_file(text: object) -> Path:
    if isinstance(text, str) and text and "\0" not in text:
        return Path(text)
    raise ValueError("must be the path of a file, such as /models/some-model.gguf")


FileText = Annotated[
    Path,
    PlainValidator(_parse_file),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "minLength": 1, "x-expects": "a path"}),
]


def _short(value: float) -> float:
    return int(value) if float(value).is_integer() else value


Seconds = Annotated[float, PlainSerializer(_short, return_type=int | float)]


def between(least: float, most: float) -> Any:
    """Bounds of a number, both included; text and booleans are not taken for numbers."""
    return Field(strict=True, ge=least, le=most)


_WINDOW_MAX = 100_000
WindowBound = Annotated[int, between(1, _WINDOW_MAX)]


def _parse_window(value: object) -> int | Literal["auto"]:
    if value == "auto":
        return "auto"
    if type(value) is int and 1 <= value <= _WINDOW_MAX:
        return value
    raise ValueError(f"must be auto, or a whole number from 1 to {_WINDOW_MAX}")


Window = Annotated[
    int | Literal["auto"],
    PlainValidator(_parse_window),
    WithJsonSchema(
        {
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": _WINDOW_MAX,
            "pattern": "^auto$",
            "x-expects": f"`auto` or a whole number from 1 to {_WINDOW_MAX}",
        }
    ),
]
