"""A configuration with some of its things changed: each value is validated where it goes."""

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from evenhand.cli.config import Config
from evenhand.cli.config.explain import explained
from evenhand.cli.config.problem import written
from evenhand.cli.live.difference import ABSENT, WHOLE
from evenhand.cli.live.place import ORDER, Item, Place, names_of, text_of

Patch = tuple[Place, Any]
"""A place and its JSON value; `ABSENT`: it goes."""

M = TypeVar("M", bound=BaseModel)


class MisfitError(Exception):
    """A patch has no place in this configuration, or no sound value; the message says why."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place


def patched(config: Config, patches: Iterable[Patch]) -> Config:
    """`config` with all of them, sound by section; contradictions between sections are not looked for.
    Raises MisfitError."""
    for place, value in sorted(patches, key=_turn):
        config = _put(config, place, place, value)
    return config


def _turn(patch: Patch) -> tuple[bool, bool, int]:
    """What goes, goes first; then what encloses comes before what is enclosed; orders come last."""
    place, value = patch
    return place[-1] == ORDER, value is not ABSENT, len(place)


def _put(model: M, way: Place, place: Place, value: Any) -> M:
    member, *rest = way
    if not isinstance(member, str) or member not in type(model).model_fields:
        raise MisfitError(place, _unknown(member, place))
    if not rest:
        if value is ABSENT:
            raise MisfitError(place, "only items of lists can be taken out: give it a value")
        return _with(model, member, value, place[: -len(way)], place)
    current = getattr(model, member)
    if isinstance(rest[0], Item):
        return model.model_copy(update={member: _put_item(model, member, way, place, value)})
    if rest == [ORDER]:
        return model.model_copy(update={member: _ordered(current, value, place)})
    if not isinstance(current, BaseModel) or member in WHOLE:
        raise MisfitError(place, f"{member} has no members that are set alone: set it as a whole")
    return model.model_copy(update={member: _put(current, tuple(rest), place, value)})


def _put_item(
    model: BaseModel, member: str, way: Place, place: Place, value: Any
) -> tuple[BaseModel, ...]:
    items, (step, *rest) = getattr(model, member), way[1:]
    assert isinstance(step, Item)
    names = names_of(items) or []
    if items and not names:
        raise MisfitError(place, f"{member} is no list of things with names: set it as a whole")
    found = names.index(step.name) if step.name in names else None
    if found is None and (rest or value is ABSENT):
        raise MisfitError(place, f"there is no {step.name} in {member}")
    if rest:
        assert found is not None
        changed = _put(items[found], tuple(rest), place, value)
    elif value is ABSENT:
        return tuple(item for index, item in enumerate(items) if index != found)
    else:
        owner = place[: -len(way)]
        (changed,) = getattr(_with(model, member, [value], owner, place), member)
        if names_of((changed,)) != [step.name]:
            raise MisfitError(place, f"the value is not called {step.name}, as its place says")
    if found is None:
        return (*items, changed)
    return (*items[:found], changed, *items[found + 1 :])


def _ordered(items: tuple[BaseModel, ...], value: Any, place: Place) -> tuple[BaseModel, ...]:
    """Those that `value` names, in its order; the others after them, as they stand."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise MisfitError(place, "an order is a list of names")
    by_name = dict(zip(names_of(items) or [], items, strict=True))
    named = [by_name.pop(name) for name in value if name in by_name]
    return (*named, *by_name.values())


def _with(model: M, member: str, value: Any, owner: Place, place: Place) -> M:
    """The model, which stands at `owner`, with another value of one member, validated."""
    # Every section of a whole configuration has a default; other models are dumped beside the value.
    others = {} if isinstance(model, Config) else model.model_dump(mode="json", exclude={member})
    data = {**others, member: value}
    try:
        validated = type(model).model_validate(data)
    except ValidationError as error:
        raise MisfitError(place, _words(error, data, owner, member)) from None
    return model.model_copy(update={member: getattr(validated, member)})


def _words(error: ValidationError, data: dict[str, Any], owner: Place, member: str) -> str:
    """As `evenhand check` would say it of a file that has nothing but this."""
    way = tuple(0 if isinstance(step, Item) else step for step in owner)
    whole: Any = data
    for step in reversed(way):
        whole = [whole] if step == 0 else {step: whole}
    details = error.errors(include_url=False)
    for detail in details:
        detail["loc"] = (*way, *detail["loc"])
    at = len(way) + 1
    said = []
    for found, message in explained(details, whole):
        below = written(tuple(step for step in found[at:] if step != 0))
        said.append(f"{below}: {message}" if below else message)
    return "; ".join(said) or f"{member} has no such value"


def _unknown(member: object, place: Place) -> str:
    return f"there is no {member if isinstance(member, str) else text_of(place)} in a configuration"
