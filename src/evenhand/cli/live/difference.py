"""What differs between two configurations, thing by thing: what drift, plans and the audit tell."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from evenhand.cli.config import Config
from evenhand.cli.live.place import ORDER, Item, Place, names_of

WHOLE: Final = frozenset({"policy"})
"""Sections whose members mean nothing alone: they differ as a whole."""

_ORDERED: Final = frozenset({"lanes"})
"""Lists whose order means something."""


class Absent:
    """Stands for what is not there."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()


@dataclass(frozen=True, slots=True)
class Difference:
    """At one place; `before` and `after` are JSON-ready values, or `ABSENT`."""

    place: Place
    before: Any
    after: Any


def differences(old: Config, new: Config) -> list[Difference]:
    """All of them, in the order of the sections."""
    return list(_of_models(old, new, ()))


def _of_models(old: BaseModel, new: BaseModel, place: Place) -> Iterator[Difference]:
    for name in type(new).model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if before is after or before == after:
            continue
        here = (*place, name)
        is_section = isinstance(before, BaseModel) and type(before) is type(after)
        if is_section and name not in WHOLE:
            yield from _of_models(before, after, here)
            continue
        names_before, names_after = names_of(before), names_of(after)
        if _are_lists(before, after, names_before, names_after):
            yield from _of_lists(old, new, here, names_before or [], names_after or [])
        else:
            yield Difference(here, _json(old, name), _json(new, name))


def _are_lists(
    before: object, after: object, names_before: list[str] | None, names_after: list[str] | None
) -> bool:
    """Both have items with names of their own, or one has and the other is empty."""
    one = names_before is not None and (names_after is not None or after == ())
    return one or (names_after is not None and before == ())


def _of_lists(
    old: BaseModel, new: BaseModel, place: Place, before: list[str], after: list[str]
) -> Iterator[Difference]:
    member = place[-1]
    assert isinstance(member, str)
    olds = dict(zip(before, getattr(old, member), strict=True))
    news = dict(zip(after, getattr(new, member), strict=True))
    for name, item in olds.items():
        here = (*place, Item(name))
        other = news.get(name)
        if other is None:
            yield Difference(here, item.model_dump(mode="json"), ABSENT)
        elif type(other) is not type(item):
            yield Difference(here, item.model_dump(mode="json"), other.model_dump(mode="json"))
        elif other is not item:
            yield from _of_models(item, other, here)
    for name, item in news.items():
        if name not in olds:
            yield Difference((*place, Item(name)), ABSENT, item.model_dump(mode="json"))
    if member in _ORDERED and after != in_order(before, after):
        yield Difference((*place, ORDER), before, after)


def in_order(before: list[str], after: list[str]) -> list[str]:
    """The order in which the names of `after` stand if nobody says anything of it: those that were there
    before as they were, then the new ones."""
    kept = [name for name in before if name in after]
    return [*kept, *(name for name in after if name not in before)]


def _json(model: BaseModel, name: str) -> Any:
    return model.model_dump(mode="json", include={name})[name]
