"""A policy by its name: a preset, or one that an installed package offers as an entry point.

Such a package declares `NAME = "module:POLICY"` in the group `evenhand.policies`. It is imported when a
configuration names it, and never merely because it is installed.
"""

import re
from importlib.metadata import EntryPoint, entry_points

from evenhand.cli.config.policy import SETTING_MAX
from evenhand.cli.config.scalars import NAME_PATTERN
from evenhand.cli.config.seams import ALL_SEAMS
from evenhand.cli.config.words import described, nearest
from evenhand.scheduling import PRESETS, Policy

GROUP = "evenhand.policies"


class NoPolicyError(Exception):
    """There is no such policy to be had; the message says why, and what to do."""


def offered_names() -> list[str]:
    """What installed packages offer, read from their metadata; nothing of them is imported."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def named_policy(name: str) -> Policy:
    """The policy of that name. Raises NoPolicyError."""
    points = list(entry_points(group=GROUP, name=name))
    if name in PRESETS:
        if points:
            raise NoPolicyError(
                f"{name} is a preset, and {_who(points)} offers another policy of that name:"
                " uninstall it, or have it renamed"
            )
        return PRESETS[name]
    if not points:
        hint = nearest(name, [*PRESETS, *offered_names()])
        raise NoPolicyError(
            f"must be a policy of `evenhand policies`, or one that an installed package offers, not"
            f" {described(name)}; {hint}"
        )
    if len(points) > 1:
        raise NoPolicyError(f"{_who(points)} all offer {name}: uninstall all but one")
    return _checked(name, points[0], _loaded(points[0]))


def _loaded(point: EntryPoint) -> object:
    try:
        return point.load()
    except Exception as error:  # code of others may fail in any way
        raise NoPolicyError(
            f"{_who([point])} offers it as {point.value}, which cannot be imported"
            f" ({type(error).__name__}: {error}): mend or update that package"
        ) from error


def _checked(name: str, point: EntryPoint, policy: object) -> Policy:
    where = f"{point.value} of {_who([point])}"
    if not isinstance(policy, Policy):
        raise NoPolicyError(
            f"{where} is a {type(policy).__name__} and must be an evenhand.scheduling.Policy: mend or"
            " update that package"
        )
    if policy.name != name:
        raise NoPolicyError(
            f"{where} calls itself {policy.name}: name the entry point so, or the policy {name}"
        )
    for seam, built_in in ALL_SEAMS.items():
        part = getattr(policy, seam)
        if part.name in built_in and built_in[part.name] is not part:
            raise NoPolicyError(
                f"{where} has a part of its own with the name of a built-in one ({seam} {part.name}):"
                " rename it"
            )
        if not re.fullmatch(NAME_PATTERN[1:-1], part.name):
            raise NoPolicyError(
                f"{where} has a {seam} that no file could name ({part.name!a}): give it 1 to 64 letters,"
                " digits, . _ -"
            )
    for parameter in policy.parameters():
        if not 0 <= parameter.minimum <= parameter.default <= parameter.maximum <= SETTING_MAX:
            raise NoPolicyError(
                f"{where} has a parameter whose range is none ({parameter.name}): 0 <= minimum <="
                f" default <= maximum <= {SETTING_MAX}"
            )
    return policy


def _who(points: list[EntryPoint]) -> str:
    names = [point.dist.name if point.dist is not None else point.value for point in points]
    return " and ".join(dict.fromkeys(names))
