"""Where something stands in a configuration, told by names: `tenants[acme].children[search].weight`.

Items of a list are told by what they are called, not by their number, so that a place means the same
thing whatever is added before it.
"""

import re
from typing import NamedTuple

from pydantic import BaseModel


class Item(NamedTuple):
    """The item of a list that is called so."""

    name: str


Place = tuple[str | Item, ...]
"""The way from the top: members of mappings, and items of lists."""

ORDER = "order"
"""A place after a list's: in which order its items stand, as a list of their names."""

_STEP = re.compile(r"\.?([a-z_0-9]+)|\[([^\]]+)\]")
_NAMES = ("name", "model", "key")
PLACE_CHARACTERS_MAX = 2_000


def text_of(place: Place) -> str:
    """As people and the database have it."""
    text = ""
    for step in place:
        if isinstance(step, Item):
            text += f"[{step.name}]"
        else:
            text += f".{step}" if text else step
    return text


def place_of(text: str) -> Place:
    """The other way. Raises ValueError, which says what a place looks like."""
    steps: list[str | Item] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None or (at == 0 and text.startswith(("[", "."))):
            break
        steps.append(found[1] or Item(found[2]))
        at = found.end()
    if not steps or at < len(text) or len(text) > PLACE_CHARACTERS_MAX:
        raise ValueError("a place is written like tenants[acme].children[search].weight")
    return tuple(steps)


def names_of(items: object) -> list[str] | None:
    """What the items of a list are called; None: it is no list of things with names of their own."""
    if not isinstance(items, tuple) or not items:
        return None
    names = []
    for item in items:
        member = next((name for name in _NAMES if hasattr(item, name)), None)
        if not isinstance(item, BaseModel) or member is None:
            return None
        names.append(str(getattr(item, member)))
    return names if len(set(names)) == len(names) else None


def tenant_place(path: tuple[str, ...]) -> Place:
    """Of a tenant."""
    steps: list[str | Item] = []
    for name in path:
        steps += ["children" if steps else "tenants", Item(name)]
    return tuple(steps)
