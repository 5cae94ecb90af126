"""The policy as asked on the command line: `--policy NAME` and `--set KEY=VALUE`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from evenhand.cli.config.problem import Finding, Lines, Place, Problem, key_text
from evenhand.cli.config.seams import SEAMS
from evenhand.cli.config.words import described

_SECTION = "policy"
_NUMBER = re.compile(r"-?[0-9]{1,30}")


@dataclass(frozen=True, slots=True)
class AskedPolicy:
    """`preset` stands instead of the file's whole section; each of `changes`, as `KEY=VALUE`, instead
    of one part or parameter of it."""

    preset: str | None = None
    changes: tuple[str, ...] = ()

    def over(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The document with what is asked here instead of what it says. Changes that cannot be read
        are left out; `problems` tells of them."""
        of_file = data.get(_SECTION)
        if self.preset is not None:
            section: dict[str, Any] = {"preset": self.preset}
        elif of_file is None or isinstance(of_file, dict):
            section = dict(of_file or {})
        else:
            return dict(data)  # what is no mapping is refused as it stands
        for key, text in self._pairs():
            value: object = int(text) if _NUMBER.fullmatch(text) else text
            if key in SEAMS:
                section[key] = value
            else:
                settings = section.get("settings")
                section["settings"] = {
                    **(settings if isinstance(settings, dict) else {}),
                    key: value,
                }
        return {**data, _SECTION: section} if self.is_asked else dict(data)

    @property
    def is_asked(self) -> bool:
        """Whether the command line says anything of the policy."""
        return self.preset is not None or bool(self.changes)

    def problems(self, lines: Lines, findings: Iterable[Finding]) -> list[Problem]:
        """The findings with their lines, or with the option that they come from."""
        problems = list(self._unreadable())
        for place, message in findings:
            option = self._option(place)
            if option is None:
                problems += lines.problems([(place, message)])
            else:
                problems.append(Problem(None, option, message))
        return problems

    def _pairs(self) -> list[tuple[str, str]]:
        pairs = (change.partition("=") for change in self.changes)
        return [(key, text) for key, sign, text in pairs if key and sign]

    def _unreadable(self) -> Iterable[Problem]:
        seen = set()
        for change in self.changes:
            key, sign, _ = change.partition("=")
            if not (key and sign):
                message = f"must be KEY=VALUE, such as prediction=none, not {described(change)}"
                yield Problem(None, "--set", message)
            elif key in seen:
                yield Problem(None, f"--set {key_text(key)}", "is given twice: keep one")
            seen.add(key)

    def _option(self, place: Place) -> str | None:
        if not place or place[0] != _SECTION:
            return None
        keys = {key for key, _ in self._pairs()}
        last = str(place[-1])
        if len(place) > 1 and last in keys:
            return f"--set {key_text(last)}"
        return None if self.preset is None else "--policy"


NOT_ASKED = AskedPolicy()
