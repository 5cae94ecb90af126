"""Values of dials: from `KEY=VALUE` on a command line, and by kind out of what a recipe was given."""

from collections.abc import Iterable, Mapping

from evenhand.workloads.workload import Dial, DialValue, WorkloadRecipe

SECONDS_MAX = 10_000_000


def dial_values(recipe: WorkloadRecipe, texts: Iterable[str]) -> dict[str, DialValue]:
    """Those that are set, checked. ValueError: not `KEY=VALUE`, or a dial or a value that makes no
    sense; the message says what to write instead."""
    known = {dial.name: dial for dial in recipe.dials}
    values: dict[str, DialValue] = {}
    for text in texts:
        name, equals, written = text.partition("=")
        if not equals:
            raise ValueError(f"{text}: write KEY=VALUE, for instance {_example(recipe)}")
        if name not in known:
            raise recipe.unknown_dial(name)
        values[name] = known[name].checked(_value(known[name], written))
    return values


def whole(values: Mapping[str, DialValue], name: str) -> int:
    """A dial that counts."""
    value = values[name]
    assert isinstance(value, int)
    return value


def number(values: Mapping[str, DialValue], name: str) -> float:
    """A dial that measures."""
    value = values[name]
    assert isinstance(value, int | float)
    return float(value)


def word(values: Mapping[str, DialValue], name: str) -> str:
    """A dial that names."""
    value = values[name]
    assert isinstance(value, str)
    return value


def _value(dial: Dial, written: str) -> DialValue:
    if isinstance(dial.default, str):
        return written
    try:
        value = float(written)
    except ValueError:
        raise ValueError(f"{dial.name}={written}: must be a number") from None
    return int(value) if value == value // 1 else value


def _example(recipe: WorkloadRecipe) -> str:
    return f"{recipe.dials[0].name}={recipe.dials[0].default}" if recipe.dials else "KEY=VALUE"
