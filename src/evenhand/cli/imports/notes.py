"""What an import could not carry over, each with its place and the reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evenhand.cli.config.problem import Lines, Place, Problem, written

NOTHING_ALIKE = "there is nothing like it here"


@dataclass(slots=True)
class Notes:
    """Collects them. `file` is what is read, `lines` says where its values stand."""

    file: str
    lines: Lines = field(default_factory=Lines)
    _found: list[Problem] = field(default_factory=list)

    def lost(self, place: Place, reason: str = NOTHING_ALIKE) -> None:
        """What stands there is not carried over."""
        self._found.append(Problem(self.lines.of(place), written(place), reason))

    def rest(
        self,
        place: Place,
        mapping: Mapping[str, Any],
        read: frozenset[str],
        reasons: Mapping[str, str],
    ) -> None:
        """The same of every member that nobody has read; null says nothing and is passed over."""
        for name, value in mapping.items():
            if name not in read and value not in (None, [], {}, ""):
                self.lost((*place, name), reasons.get(name, NOTHING_ALIKE))

    def add(self, problem: Problem) -> None:
        """One that was found elsewhere."""
        self._found.append(problem)

    def text(self) -> list[str]:
        """One line for each, in the order of the file."""
        ordered = sorted(self._found, key=lambda problem: problem.line or 0)
        return [
            f"{self.file}:{problem.line}: {problem}" if problem.line else f"{self.file}: {problem}"
            for problem in ordered
        ]
