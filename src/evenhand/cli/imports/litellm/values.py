"""LiteLLM's ways to write names, secrets, prices and durations, read as ours."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from evenhand.cli.config.scalars import MODEL_PATTERN, NAME_PATTERN

_ENVIRON: Final = "os.environ/"
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_NO_SECRETS: Final = frozenset({"none", "empty", "dummy", "fake", "fake-key", "anything"})
_DURATION: Final = re.compile(r"([1-9][0-9]{0,5})(s|m|h|d|w|mo)")
_HOURS: Final = {"h": 1, "d": 24, "w": 168}
_PERIODS: Final[dict[int, Literal["day", "week", "month"]]] = {24: "day", 168: "week"}
_MONTH_DAYS: Final = range(28, 32)
_DECIMALS_MAX: Final = 6


def mapping(value: object) -> dict[str, Any]:
    """A mapping, or an empty one where it is none."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """A list, or an empty one where it is none."""
    return value if isinstance(value, list) else []


def text(value: object) -> str | None:
    """A text that is not empty."""
    return value if isinstance(value, str) and value else None


def variable(value: object) -> str | None:
    """The environment variable that a value refers to."""
    name = value.removeprefix(_ENVIRON) if isinstance(value, str) else ""
    return name if value != name and _VARIABLE.fullmatch(name) else None


def is_no_secret(value: object) -> bool:
    """Whether it stands for a key where none is needed."""
    return value is None or str(value).lower() in _NO_SECRETS | {""}


def is_model(value: object) -> bool:
    """Whether our configuration can name a model so."""
    return isinstance(value, str) and re.fullmatch(MODEL_PATTERN, value) is not None


def name_of(value: str, taken: set[str]) -> str:
    """A name that is allowed here, like that one, and not taken; takes it."""
    wanted = re.sub(r"[^A-Za-z0-9._-]+", "-", value).strip("-")[:60] or "unnamed"
    name, number = wanted, 1
    while name in taken or not re.fullmatch(NAME_PATTERN, name):
        number += 1
        name = f"{wanted}-{number}"
    taken.add(name)
    return name


def variable_of(prefix: str, value: str, taken: set[str]) -> str:
    """The same for an environment variable."""
    wanted = f"{prefix}{re.sub(r'[^A-Za-z0-9]+', '_', value).strip('_').upper()[:60]}"
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    taken.add(name)
    return name


def amount(value: object) -> Decimal | None:
    """A number of at least 0, exactly as it was written."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(value if isinstance(value, str) else repr(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and number >= 0 else None


def per_million(value: object) -> Decimal | None:
    """Of a price per token; None where it has more decimals than a price can have here."""
    price = amount(value)
    return None if price is None else money(price * 1_000_000)


def money(number: Decimal) -> Decimal | None:
    """The same amount, if it can be written here."""
    scaled = number.scaleb(_DECIMALS_MAX)
    return number if scaled == scaled.to_integral_value() else None


def count(value: object) -> int | None:
    """A whole number of at least 1."""
    return value if type(value) is int and value >= 1 else None


def period(value: object) -> Literal["day", "week", "month"] | None:
    """The period of a budget that is nearest: LiteLLM counts from the moment it was made, we in whole
    days, weeks and months."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    number, unit = int(found[1]), found[2]
    if unit == "mo":
        return "month" if number == 1 else None
    hours = number * _HOURS.get(unit, 0)
    return "month" if unit == "d" and number in _MONTH_DAYS else _PERIODS.get(hours)
