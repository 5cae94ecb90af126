"""The `prices` section: what tokens cost in money."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field, PlainSerializer, PlainValidator, WithJsonSchema

from evenhand.cli.config.scalars import SECTION, Model

_MICRO = 1_000
"""Nano-units in a millionth of a unit."""
_DECIMALS_MAX = 6
_MOST = 1_000_000_000


def _parse_money(value: object) -> int:
    """Nano-units of a decimal number."""
    form = "must be a number such as 0.15, at least 0, with at most 6 decimals"
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError(form)  # noqa: TRY004 - pydantic turns ValueErrors into problems
    # The shortest text of a float is what was typed.
    scaled = Decimal(repr(value)) * 10**_DECIMALS_MAX
    if scaled != scaled.to_integral_value() or not 0 <= scaled <= _MOST * 10**_DECIMALS_MAX:
        raise ValueError(f"{form}, up to {_MOST}")
    return int(scaled) * _MICRO


def _money_number(nano: int) -> int | float:
    whole, rest = divmod(nano, 10**9)
    return whole if not rest else float(Decimal(nano) / 10**9)


Money = Annotated[
    int,
    PlainValidator(_parse_money),
    PlainSerializer(_money_number, return_type=int | float),
    WithJsonSchema(
        {
            "type": "number",
            "minimum": 0,
            "maximum": _MOST,
            "x-expects": "a number such as 0.15 with at most 6 decimals",
        }
    ),
]
"""Money in nano-units; in the file a decimal number of units."""

_CURRENCY = "^[A-Z]{3}$"
Currency = Annotated[
    str, Field(pattern=_CURRENCY, json_schema_extra={"x-expects": "a currency such as EUR"})
]


class ModelPrice(BaseModel):
    """What tokens of a model cost, in units of `currency` per million tokens."""

    model_config = SECTION

    model: Model
    """As engines serve it."""
    input: Money
    """Per million input tokens that the engine had to compute."""
    cached_input: Money = Field(
        default_factory=lambda fields: fields["input"],
        json_schema_extra={"x-default": "as `input`"},
    )
    """Per million input tokens that the engine had in its prefix cache; at most `input`."""
    output: Money
    """Per million output tokens."""


class Prices(BaseModel):
    """What tokens cost. A request keeps the price of the moment at which it was admitted."""

    model_config = SECTION

    currency: Currency
    """Of all prices and of `spend_max`: three capital letters."""
    models: Annotated[tuple[ModelPrice, ...], Field(min_length=1, max_length=4096)]
    """One price for each model that an engine serves: none is served for nothing by oversight."""
