"""The seam between the event loop and whoever hosts the scheduling core."""

from collections.abc import Callable
from typing import Protocol

from evenhand.sim.job import Job
from evenhand.sim.run_record import Fate

Ended = Callable[[Job, Fate], None]
"""A job has ended. The host calls it once for each that arrived."""


class Host(Protocol):
    """Decides who runs where. Called in order of time; it wakes engines, the loop advances them."""

    def arrived(self, job: Job, now_ms: float) -> None:
        """A client has sent its request."""

    def left(self, job: Job, now_ms: float) -> None:
        """The client of a job that has not ended has gone."""

    def answered(self, job: Job, now_ms: float) -> None:
        """The job's engine has returned it as ended."""

    def engine_failed(self, jobs: list[Job], now_ms: float) -> None:
        """An engine failed under these jobs (`Engine.fail` has been called)."""

    def look_around(self, now_ms: float) -> None:
        """The moment is over: start whoever can start."""

    def waiting(self) -> int:
        """Requests that no engine has yet."""
