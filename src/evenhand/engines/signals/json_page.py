"""Pages of JSON that engines write about themselves, read without trust in them."""

from typing import Any

import orjson

from evenhand.engines.signals.ask import NoPageError


def table(body: bytes, path: str) -> dict[str, Any]:
    """The object that the body is. Raises NoPageError where it is none."""
    value = _parsed(body, path)
    if not isinstance(value, dict):
        raise NoPageError(f"{path} answered JSON that is no object")
    return value


def rows(body: bytes, path: str) -> list[dict[str, Any]]:
    """The objects in the list that the body is. Raises NoPageError where it is none."""
    value = _parsed(body, path)
    if not isinstance(value, list):
        raise NoPageError(f"{path} answered JSON that is no list")
    return [row for row in value if isinstance(row, dict)]


def count(values: dict[str, Any], name: str) -> int | None:
    """The whole number of that name; None where there is none, or one below 0."""
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value


def _parsed(body: bytes, path: str) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NoPageError(f"{path} answered something that is not JSON") from None
