"""What is wrong with a configuration, where, and what to do about it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Place = tuple[str | int, ...]
"""The way from the top of the file to a value: ("engines", 0, "name")."""

Finding = tuple[Place, str]
"""A place and what is wrong there; `Lines.problems` adds the line."""

_PRINTABLE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct. `line` counts from 1; None where no line of the file is to blame.
    `where` is a place such as `engines[0].name`, or empty for the file as a whole."""

    line: int | None
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class ConfigurationError(Exception):
    """The configuration cannot be used. Carries every problem that was found, in file order, and
    never the value of a secret."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        assert self.problems, "an error names at least one problem"
        super().__init__("\n".join(self.explanation("line")))

    def explanation(self, file: str) -> list[str]:
        """One line of text per problem: `file:line: where: message`."""
        return [
            f"{file}:{problem.line}: {problem}" if problem.line else f"{file}: {problem}"
            for problem in self.problems
        ]


@dataclass(frozen=True, slots=True)
class Lines:
    """Which line of the file each key and list item stands on."""

    by_place: Mapping[Place, int] = field(default_factory=dict)

    def of(self, place: Place) -> int | None:
        """The line of `place`, or of what encloses it where the file does not mention it."""
        while place and place not in self.by_place:
            place = place[:-1]
        return self.by_place.get(place)

    def problems(self, findings: Iterable[Finding]) -> list[Problem]:
        """The findings with their lines."""
        return [Problem(self.of(place), written(place), message) for place, message in findings]


def key_text(key: str) -> str:
    """A key as it may be printed. One that looks like no key could be a pasted secret."""
    return key if _PRINTABLE_KEY.fullmatch(key) else "..."


def written(place: Place) -> str:
    """A place as people write it: `tenants[0].children[2].weight`."""
    text = ""
    for step in place:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{key_text(step)}" if text else key_text(step)
    return text
