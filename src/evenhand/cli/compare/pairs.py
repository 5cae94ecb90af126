"""Which run is held against which, and in what their inputs differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evenhand.cli.compare.figures_file import FiguresFile, FiguresFileError
from evenhand.sim.measures.figures import RunFigures

_VALUE_CHARACTERS_MAX = 60


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs. `title` names the policy, or both where they differ."""

    title: str
    before: RunFigures
    after: RunFigures


def pairs(before: FiguresFile, after: FiguresFile) -> list[Pair]:
    """The policies that are in both; of files with one policy each, these. Raises FiguresFileError."""
    both = [label for label in before.policies if label in after.policies]
    if both:
        return [Pair(label, before.policies[label], after.policies[label]) for label in both]
    if len(before.policies) == len(after.policies) == 1:
        (was, figures), (now, others) = *before.policies.items(), *after.policies.items()
        return [Pair(f"{now} instead of {was}", figures, others)]
    raise FiguresFileError(
        f"no policy is in both: {before.file} has {', '.join(before.policies)},"
        f" {after.file} has {', '.join(after.policies)}"
    )


def left_out(before: FiguresFile, after: FiguresFile) -> list[str]:
    """Policies of one file alone, if others are compared."""
    if len(before.policies) == len(after.policies) == 1:
        return []
    return sorted(before.policies.keys() ^ after.policies.keys())


def differences(before: FiguresFile, after: FiguresFile) -> Iterator[str]:
    """Inputs that are not the same, as `engines: 1 -> 2`."""
    was, now = dict(_flat(before.inputs)), dict(_flat(after.inputs))
    for name in dict.fromkeys((*was, *now)):
        if was.get(name) != now.get(name):
            yield f"{name}: {_shown(was.get(name))} -> {_shown(now.get(name))}"


def _flat(inputs: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in inputs.items():
        if name == "policies":
            continue  # their labels say it
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _shown(value: object) -> str:
    if value is None:
        return "none"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    if len(text) > _VALUE_CHARACTERS_MAX:
        text = f"{text[:_VALUE_CHARACTERS_MAX]}..."
    return text or "none"
