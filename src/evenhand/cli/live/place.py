"""Where something stands in a configuration, told by names: `tenants[acme].children[search].weight`.

Items of a list are told by what they are called, not by their number, so that a place means the same
thing whatever is added before it.
"""

import re
from typing import NamedTuple

from pydantic import BaseModel

from evenhand.cli.config import Key, ModelPrice
from evenhand.cli.config.budgets import TenantBudget


class Item(NamedTuple):
    """The item of a list that is called so."""

    name: str


Place = tuple[str | Item, ...]
"""The way from the top: members of mappings, and items of lists."""

ORDER = "order"
"""A place after a list's: in which order its items stand, as a list of their names."""

_STEP = re.compile(r"\.?([a-z_0-9]+)|\[([^\]]+)\]")
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
        name = _name_of(item)
        if name is None:
            return None
        names.append(name)
    return names if len(set(names)) == len(names) else None


def _name_of(item: object) -> str | None:
    """What it is called among its like; None: nothing."""
    match item:
        case Key():
            return str(item.key)
        case ModelPrice(valid_from=None):
            return item.model
        case ModelPrice():
            return f"{item.model} from {item.model_dump(mode='json')['valid_from']}"
        case TenantBudget():
            return f"{item.whose} {item.period}"
        case BaseModel():
            return getattr(item, "name", None)
    return None


def tenant_place(path: tuple[str, ...]) -> Place:
    """Of a tenant."""
    steps: list[str | Item] = []
    for name in path:
        steps += ["children" if steps else "tenants", Item(name)]
    return tuple(steps)
