"""The `aliases` section: other names by which clients may ask for models."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from evenhand.cli.config.scalars import MODEL_EXPECTS, MODEL_PATTERN, Model

_ALIASES_MAX = 1_000


def _sound(aliases: dict[str, str]) -> dict[str, str]:
    if not all(re.fullmatch(MODEL_PATTERN, alias) for alias in aliases):
        raise ValueError(f"each name must be {MODEL_EXPECTS}")
    return aliases


_MODEL = {"type": "string", "pattern": MODEL_PATTERN, "x-expects": MODEL_EXPECTS}
Aliases = Annotated[
    dict[str, Model],
    Field(max_length=_ALIASES_MAX),
    AfterValidator(_sound),
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": {"pattern": MODEL_PATTERN},
            "additionalProperties": _MODEL,
            "maxProperties": _ALIASES_MAX,
            "x-expects": "a mapping of names to models",
            "x-default": "none",
        }
    ),
]
