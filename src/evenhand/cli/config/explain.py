"""Validation errors of pydantic as findings in plain words."""

from collections.abc import Iterable, Iterator

from pydantic_core import ErrorDetails

from evenhand.cli.config.engines import ENGINE_KINDS
from evenhand.cli.config.problem import Finding, Place
from evenhand.cli.config.published import node_at
from evenhand.cli.config.seams import parameters
from evenhand.cli.config.words import described, expected, nearest

_SECRET_KEYS = frozenset({"key", "credential", "api_key", "url"})
_INSTEAD: dict[Place, str] = {
    ("embedded", "url"): "an embedded engine is started here and has no url: remove it, or change"
    " the kind",
    ("embedded", "api_key"): "an embedded engine needs no api_key: remove it, or change the kind",
}


def explained(details: Iterable[ErrorDetails], data: object) -> Iterator[Finding]:
    """A finding for each error that stands for itself; `data` is what was validated."""
    for detail in details:
        if not _is_echo(detail):
            yield _finding(detail, data)


def _is_echo(detail: ErrorDetails) -> bool:
    """True for what only follows from another error: a default that waits for another field, a
    list that is too short once its faulty items are taken out."""
    if detail["type"] == "too_short":
        return bool(len(detail["input"]) >= detail["ctx"]["min_length"])
    return detail["type"] == "default_factory_not_called"


def _finding(detail: ErrorDetails, data: object) -> Finding:
    place = place_of(detail["loc"])
    value = detail["input"]
    match detail["type"]:
        case "extra_forbidden":
            return place, _unknown_key(detail["loc"], data)
        case "missing":
            node = node_at(place, data) or {}
            return place, f"is missing: add `{place[-1]}: ...`, {expected(node)}"
        case "value_error":
            return place, detail["msg"].removeprefix("Value error, ")
        case "union_tag_not_found":
            return (*place, "kind"), f"is missing: add one of {', '.join(ENGINE_KINDS)}"
        case "union_tag_invalid":
            assert isinstance(value, dict)
            kind = value["kind"]
            hint = f"; {nearest(kind, ENGINE_KINDS)}" if isinstance(kind, str) else ""
            choices = ", ".join(ENGINE_KINDS)
            return (*place, "kind"), f"must be one of {choices}, not {described(kind)}{hint}"
    node = node_at(place, data) or {}
    # Where a list or mapping belongs, a text could be anything, a secret too.
    is_secret = bool(_SECRET_KEYS & set(place)) or node.get("type") in ("array", "object")
    what = expected(node)
    if node.get("x-nullable"):
        what += " or null"
    hint = f"; {nearest(value, node['enum'])}" if "enum" in node and isinstance(value, str) else ""
    return place, f"must be {what}, not {described(value, is_secret=is_secret)}{hint}"


def place_of(loc: Place) -> Place:
    """Pydantic's location without the engine kinds that it puts in after an engine's index."""
    if len(loc) > 2 and loc[0] == "engines" and loc[2] in ENGINE_KINDS:
        return (*loc[:2], *loc[3:])
    return loc


def _unknown_key(loc: Place, data: object) -> str:
    if loc[0] == "engines" and (special := _INSTEAD.get(tuple(loc[2:]))):
        return special
    if loc[0] == "policy" and loc[-1] in parameters():
        return f"is a parameter: write it under `settings:`, as `settings: {{{loc[-1]}: ...}}`"
    node = node_at(place_of(loc)[:-1], data) or {}
    return f"unknown key; {nearest(str(loc[-1]), node.get('properties', ()))}"
