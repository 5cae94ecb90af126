"""The seam between the event loop and whoever hosts the scheduling core."""

from collections.abc import Callable, Iterable
from typing import Protocol

from evenhand.sim.engine.protocol import Engine
from evenhand.sim.job import Job
from evenhand.sim.run_record import Fate

Ended = Callable[[Job, Fate], None]
"""A job has ended. The host calls it once for each that arrived."""


class Host(Protocol):
    """Decides who runs where. Called in order of time. It may wake engines and do to them what it likes;
    only the loop advances them."""

    def before(self, now_ms: float) -> None:
        """A moment has come and nothing has happened at it yet: engines can still say what they had
        produced at any moment since the last one."""

    def arrived(self, job: Job, now_ms: float) -> None:
        """A client has sent its request."""

    def left(self, job: Job, now_ms: float) -> None:
        """The client of a job that has not ended has gone."""

    def advanced(self, engine: Engine, ended: list[Job], now_ms: float) -> None:
        """The engine has come to a boundary and these jobs have ended there. It may have taken new ones
        from its source."""

    def failed(self, engine: Engine, jobs: list[Job], now_ms: float) -> None:
        """The engine failed under these jobs; what its queue held is the host's to find a place for. It
        takes nothing until it has returned."""

    def returned(self, engine: Engine, now_ms: float) -> None:
        """An engine that failed is there again, with an empty cache."""

    def expire(self, now_ms: float) -> None:
        """Whoever has waited for as long as it may is refused."""

    def give_up(self, now_ms: float) -> None:
        """Nothing will happen any more: who still waits, for an engine that never returns, fails."""

    def look_around(self, now_ms: float) -> Iterable[Engine]:
        """The moment is over: start whoever can start. The engines whose boundary may have changed
        since the last such call, other than by advancing; order and repetition do not matter."""

    def waiting(self) -> int:
        """Requests that no engine has admitted yet."""
