"""The `aliases` section: other names by which clients may ask for models."""

from typing import Annotated

from pydantic import Field, WithJsonSchema

from evenhand.cli.config.scalars import MODEL_PATTERN, Model

_ALIASES_MAX = 1_000

Aliases = Annotated[
    dict[Model, Model],
    Field(max_length=_ALIASES_MAX),
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": {"pattern": MODEL_PATTERN},
            "additionalProperties": {"type": "string", "pattern": MODEL_PATTERN},
            "maxProperties": _ALIASES_MAX,
            "x-expects": "a mapping of names to models",
        }
    ),
]
