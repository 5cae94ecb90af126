"""The `prices` section: what work costs in money."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field, PlainSerializer, PlainValidator, WithJsonSchema

from evenhand.cli.config.scalars import SECTION, Model

_NANO = 10**9
_MOST = 1_000_000_000


def _form(decimals: int) -> str:
    return f"number such as 0.15, at least 0, with at most {decimals} decimals"


def _parser(decimals: int) -> Callable[[object], int]:
    """Of money in the file, a decimal number of units, as nano-units."""
    form = f"must be a {_form(decimals)}"

    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise ValueError(form)  # noqa: TRY004 - pydantic turns ValueErrors into problems
        # The shortest text of a float is what was typed.
        scaled = Decimal(repr(value)) * 10**decimals
        if scaled != scaled.to_integral_value() or not 0 <= scaled <= _MOST * 10**decimals:
            raise ValueError(f"{form}, up to {_MOST}")
        return int(scaled * 10 ** (9 - decimals))

    return parse


def _schema(decimals: int) -> WithJsonSchema:
    expects = f"a number such as 0.15 with at most {decimals} decimals"
    return WithJsonSchema({"type": "number", "minimum": 0, "maximum": _MOST, "x-expects": expects})


def _money_number(nano: int) -> int | float:
    whole, rest = divmod(nano, _NANO)
    return whole if not rest else float(Decimal(nano) / _NANO)


_AS_NUMBER = PlainSerializer(_money_number, return_type=int | float)

Money = Annotated[int, PlainValidator(_parser(6)), _AS_NUMBER, _schema(6)]
"""Money in nano-units; in the file a decimal number of units."""

FineMoney = Annotated[int, PlainValidator(_parser(9)), _AS_NUMBER, _schema(9)]
"""The same to the billionth, for prices of little things."""

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?Z)?")


def _parse_time(value: object) -> int:
    """Milliseconds since 1970 of a UTC time."""
    form = "must be a time in UTC such as 2026-12-01 or 2026-12-01T06:00Z"
    if type(value) is int:
        return value  # what was read already
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError(form)
    try:
        moment = datetime.fromisoformat(value.removesuffix("Z"))
    except ValueError:
        raise ValueError(f"{form}; there is no such day or hour") from None
    return int(moment.replace(tzinfo=UTC).timestamp()) * 1000


def _time_text(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


UtcTime = Annotated[
    int,
    PlainValidator(_parse_time),
    PlainSerializer(_time_text, return_type=str),
    WithJsonSchema({"type": "string", "x-expects": "a time in UTC such as 2026-12-01T06:00Z"}),
]
"""A moment in milliseconds since 1970; in the file a date, or date and time."""

Currency = Annotated[
    str,
    Field(pattern="^[A-Z]{3}$", json_schema_extra={"x-expects": "a currency such as EUR"}),
]


class WorkPrice(BaseModel):
    """What work costs, in units of `currency`: tokens per million, the rest each."""

    model_config = SECTION

    input: Money
    """Per million input tokens that the engine had to compute."""
    cached_input: Money = Field(
        default_factory=lambda fields: fields["input"],
        json_schema_extra={"x-default": "as `input`"},
    )
    """Per million input tokens that the engine had in its prefix cache; at most `input`."""
    output: Money
    """Per million output tokens that are no reasoning."""
    reasoning: Money = Field(
        default_factory=lambda fields: fields["output"],
        json_schema_extra={"x-default": "as `output`"},
    )
    """Per million output tokens that the engine says it has reasoned with."""
    request: FineMoney = 0
    """Per request that is charged at all."""
    gpu_second: FineMoney = 0
    """Per second of one GPU, where the time of GPUs is known. It is not known before, so no hard
    budget in money may be over the model."""
    currency: Currency | None = Field(
        default=None, json_schema_extra={"x-default": "as `prices.currency`"}
    )
    """Of this price. Amounts of different currencies are never added."""


class ModelPrice(WorkPrice):
    """What the work of a model costs, from some moment on."""

    model: Model
    """As engines serve it. It may stand several times, each with a `valid_from` of its own."""
    valid_from: UtcTime | None = None
    """The moment from which on requests are admitted at this price, in UTC. Left out: since ever, which
    one price of each model must be."""


class UnpricedPrice(WorkPrice):
    """What models cost that have no price of their own. Not nothing."""


class Prices(BaseModel):
    """What work costs. A request keeps the price of the moment at which it was admitted."""

    model_config = SECTION

    currency: Currency
    """Of `spend_max`, and of prices and budgets that name none: three capital letters."""
    models: Annotated[tuple[ModelPrice, ...], Field(max_length=4096)] = ()
    """The prices of each model that an engine serves: none is served for nothing by oversight."""
    unpriced: UnpricedPrice | None = None
    """The price of models that have none in the list. Left out: a model without a price is refused."""

    def currency_of(self, price: WorkPrice) -> str:
        """The currency of one of these."""
        return price.currency or self.currency

    def of(self, model: str) -> list[WorkPrice]:
        """All prices that a model has at any time."""
        priced: list[WorkPrice] = [price for price in self.models if price.model == model]
        return priced or ([self.unpriced] if self.unpriced is not None else [])
