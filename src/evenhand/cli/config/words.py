"""Plain words for what is expected and for what is there instead."""

import difflib
from collections.abc import Iterable

from evenhand.cli.config.published import Node, is_nullable, without_null
from evenhand.cli.config.secrets import SECRET_CHARACTERS_MIN

_ECHO_CHARACTERS_MAX = SECRET_CHARACTERS_MIN - 1
"""Longer texts and numbers are not repeated: they could be a secret pasted into the wrong place."""

_CANDIDATES_MAX = 1_000
"""Names among which a nearest one is sought: the search is slow, and a hint is not worth a wait."""


def expected(node: Node) -> str:
    """What a value must be, with its article: "a whole number from 1 to 10000"."""
    if is_nullable(node):
        return f"{expected(without_null(node))} or null"
    if "enum" in node or "const" in node:
        choices = node.get("enum", [node.get("const")])
        return f"one of {', '.join(choices)}" if len(choices) > 1 else f"{choices[0]}"
    if "x-expects" in node:
        return str(node["x-expects"])
    kind = node.get("type")
    if kind in ("integer", "number"):
        noun = "a whole number" if kind == "integer" else "a number"
        return f"{noun} from {_number(node['minimum'])} to {_number(node['maximum'])}"
    if kind == "array":
        least, most = node.get("minItems", 0), node.get("maxItems")
        return f"a list of {least} to {most}" if most else "a list"
    return "a text" if kind == "string" else "a mapping (key: value)"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else str(value)


def described(value: object, *, is_secret: bool = False) -> str:
    """What stands there, in words; a short text is repeated, unless `is_secret`."""
    if value is None:
        return "empty (null)"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else f"a list of {len(value)}"
    if is_secret:
        return "a single value"
    if isinstance(value, str):
        is_short = len(value) <= _ECHO_CHARACTERS_MAX
        return f"the text {value!a}" if is_short else f"a text of {len(value)} characters"
    text = str(value).lower()
    return text if len(text) <= _ECHO_CHARACTERS_MAX else "so large a number"


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint to append: the nearest known name, else the known ones where they are few."""
    names = [known_name for known_name, _ in zip(known, range(_CANDIDATES_MAX), strict=False)]
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]}?"
    few = 25
    return f"known: {', '.join(names)}" if 0 < len(names) <= few else "none is similar"
