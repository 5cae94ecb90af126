"""One row of a trace, whatever its format; and a row that could not be read."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

TOKENS_MAX = 1 << 31


class BadRow(NamedTuple):
    """`line` counts from 1, the header included."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


class Row(NamedTuple):
    """What a trace says of a request. Empty: it says nothing. `tenant` is a path written with slashes,
    `weights` are those of its nodes from the top down. `parents` are ids of rows that were answered
    before. `blocks` are ids of the blocks of its prompt from the beginning, each of which stands for
    what came before it too."""

    at_ms: float
    input_tokens: int
    output_tokens: int
    tenant: str = ""
    weights: tuple[int, ...] = ()
    application: str = "default"
    session: str = ""
    interaction: str = ""
    call_index: int = 0
    calls_total: int = 1
    lane: str = "default"
    id: str = ""
    parents: tuple[str, ...] = ()
    blocks: Sequence[int] = ()


def tokens(name: str, value: str | float) -> int:
    """A number of tokens; ValueError with a reason if it is none, or 0: a request that was given or
    produced nothing is no work."""
    count = whole(name, value)
    if not 1 <= count < TOKENS_MAX:
        raise ValueError(f"{name} is {count}, not a number of tokens from 1 up")
    return count


def whole(name: str, value: str | float) -> int:
    """A whole number, `12.0` too; ValueError with a reason."""
    try:
        return int(value) if isinstance(value, str | int) else _from_float(value)
    except (ValueError, OverflowError):
        try:
            return _from_float(float(value))
        except (ValueError, OverflowError):
            raise ValueError(f"{name} is {shown(value)}, not a whole number") from None


def _from_float(value: float) -> int:
    if value != int(value):
        raise ValueError
    return int(value)


def moment(name: str, value: str | float) -> float:
    """A finite number; ValueError with a reason."""
    try:
        at = float(value)
    except (ValueError, OverflowError):
        at = float("nan")
    if not -1e15 < at < 1e15:
        raise ValueError(f"{name} is {shown(value)}, not a moment")
    return at


def json_number(row: Mapping[str, Any], name: str) -> float:
    """A number under that name; ValueError with a reason."""
    value = row.get(name)
    if type(value) is not int and type(value) is not float:
        raise ValueError(f"{name} is {shown(value)}, not a number" if name in row else f"no {name}")
    return value


def shown(value: object) -> str:
    """As it stands in the file, cut."""
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
