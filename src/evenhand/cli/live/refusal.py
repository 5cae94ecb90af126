"""Why a change is refused whole."""

from collections.abc import Iterable

from evenhand.cli.config import ConfigurationError, Lines, Problem
from evenhand.cli.config.problem import Finding
from evenhand.cli.live.patch import MisfitError
from evenhand.cli.live.place import text_of


class ChangeRefusedError(Exception):
    """Nothing was changed. `problems` say what stands in the way and what to do; never a secret."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def of(cls, findings: Iterable[Finding], lines: Lines | None = None) -> "ChangeRefusedError":
        """With the lines of the file, where it is the file that asks for the change."""
        return cls((lines or Lines()).problems(findings))

    @classmethod
    def misfit(cls, error: MisfitError) -> "ChangeRefusedError":
        """A value that does not fit its place."""
        return cls([Problem(None, text_of(error.place), str(error))])

    @classmethod
    def unsound(cls, error: ConfigurationError) -> "ChangeRefusedError":
        """A file that cannot be used, or what it refers to is not there."""
        return cls(error.problems)


class VersionConflictError(Exception):
    """Somebody else was faster; the message says so."""
