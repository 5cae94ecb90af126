"""Where the running gateway is to differ from its file: places, values, who said so and when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from evenhand.cli.config import Config
from evenhand.cli.config.checks import cross_checked, policy_problems
from evenhand.cli.config.policy_choice import completed
from evenhand.cli.config.problem import Finding
from evenhand.cli.live.difference import ABSENT, Difference, differences
from evenhand.cli.live.patch import MisfitError, Patch, patched
from evenhand.cli.live.place import Place, place_of, text_of
from evenhand.stores.live_changes import StoredOverride

OVERRIDES_MAX: Final = 1_000
"""Beyond it whoever wants more writes some into the file."""


@dataclass(frozen=True, slots=True)
class Override:
    """At that place the value (`ABSENT`: nothing) is in force instead of what the file says."""

    place: Place
    value: Any
    who: str
    at_ms: int

    @property
    def patch(self) -> Patch:
        return self.place, self.value


@dataclass(frozen=True, slots=True)
class Overlaid:
    """A file's configuration with overrides. `aside` are those that it has no place for, and why."""

    file: Config
    config: Config
    overrides: tuple[Override, ...] = ()
    aside: tuple[tuple[Override, str], ...] = ()
    drift: tuple[Difference, ...] = ()
    """From the file to `config`: one for each of the overrides."""


def overlaid(file: Config, overrides: Iterable[Override]) -> Overlaid:
    """`file`, which is sound, with all overrides that leave it sound. None of them can keep a gateway
    from its start: what does not fit is set aside."""
    wanted, aside = list(overrides), []
    try:
        config = whole(patched(file, (override.patch for override in wanted)))
        if not contradictions(config):
            return _beside(file, config, wanted, ())
    except MisfitError:
        pass  # which of them, and whether others follow from it, is found one by one
    config, kept = file, []
    for override in wanted:
        try:
            tried = whole(patched(config, [override.patch]))
            found = contradictions(tried)
        except MisfitError as error:
            aside.append((override, str(error)))
            continue
        if found:
            aside.append((override, found[0][1]))
        else:
            config = tried
            kept.append(override)
    return _beside(file, config, kept, tuple(aside))


def moved_on(before: Overlaid, config: Config, who: str, at_ms: int) -> Overlaid:
    """Another configuration over the same file, put in force by somebody."""
    return _beside(before.file, config, before.overrides, before.aside, who=who, at_ms=at_ms)


def _beside(
    file: Config,
    config: Config,
    known: Iterable[Override],
    aside: Iterable[tuple[Override, str]],
    *,
    who: str = "",
    at_ms: int = 0,
) -> Overlaid:
    """What differs between the two, with the names of those who said so before."""
    by_place = {override.place: override for override in known}
    found, drift = [], differences(file, config)
    for difference in drift:
        override = by_place.get(difference.place)
        if override is None or override.value != difference.after:
            said = _said_by(difference.place, by_place) if not who else (who, at_ms)
            override = Override(difference.place, difference.after, *said)
        found.append(override)
    taken = {override.place for override in found}
    left = tuple(one for one in aside if one[0].place not in taken)
    return Overlaid(file, config, tuple(found), left, tuple(drift))


def _said_by(place: Place, known: Mapping[Place, Override]) -> tuple[str, int]:
    """Who said so, where the file has come nearer: it was a part of what somebody set, or the whole of
    which somebody set parts."""
    above = (known.get(place[:length]) for length in range(len(place), 0, -1))
    beneath = (one for other, one in known.items() if other[: len(place)] == place)
    for override in (*above, *beneath):
        if override is not None:
            return override.who, override.at_ms
    return "", 0


def whole(config: Config) -> Config:
    """With every part and value of the policy written out, if it is a sound one."""
    if next(policy_problems(config), None) is not None:
        return config
    return config.model_copy(update={"policy": completed(config.policy)})


def contradictions(config: Config) -> list[Finding]:
    """Between its sections, in the words of `evenhand check`."""
    return list(cross_checked(config, frozenset()))


def stored(override: Override) -> StoredOverride:
    """As the database has it."""
    absent = override.value is ABSENT
    value = None if absent else orjson.dumps(override.value).decode()
    return StoredOverride(text_of(override.place), value, override.who, override.at_ms)


def read_back(row: StoredOverride) -> Override:
    """The other way. Raises ValueError where the row is damaged."""
    value = ABSENT if row.value is None else orjson.loads(row.value)
    return Override(place_of(row.place), value, row.who, row.at_ms)
