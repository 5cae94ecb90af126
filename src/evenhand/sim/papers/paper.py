"""A paper whose experiments can be run again, and how they are asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from evenhand.sim.papers.claim import Claim
from evenhand.sim.papers.result import PaperResult


class Progress(Protocol):
    """Told after every run: how many of all are done, and what the last one was."""

    def __call__(self, done: int, of: int, what: str) -> None: ...


def no_progress(done: int, of: int, what: str) -> None:
    """For whoever does not look on."""
    del done, of, what


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`quick`: the same experiments smaller, in seconds and not in minutes. `processes` may run at once,
    which changes no figure. `data` is the folder with measured runs, for papers that need it."""

    quick: bool = False
    processes: int = 1
    data: Path | None = None
    progress: Progress = no_progress


class NoDataError(Exception):
    """The paper needs measured data that is not there. The message says what to give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """`run` may raise `NoDataError`."""

    name: str
    title: str
    source: str
    claims: tuple[Claim, ...]
    run: Callable[[Order], PaperResult]
