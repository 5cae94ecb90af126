"""The seam between hosts and modelled engines.

An engine works in steps (iterations). Between two steps is a boundary, the only moment at which it looks
for work, so a request that comes during a step waits for its end. An engine may run through many steps
at once as long as nobody could tell the difference.
"""

from collections.abc import Collection
from typing import Protocol

from evenhand.model import EngineName
from evenhand.sim.job import Job
from evenhand.workloads.ask import Ask

IDLE = float("inf")


class WorkSource(Protocol):
    """Where an engine finds its next request: its own queue, or a scheduler inside the engine."""

    head_may_change: bool
    """Whether another head may come up, though nobody told the engine: it then asks at every boundary
    while the head does not fit. A queue's head stays until it is taken or has gone."""

    def head(self, now_ms: float) -> Job | None:
        """The request that would be next, None if there is none. Changes nothing; may differ when asked
        again."""

    def take(self, now_ms: float) -> Job:
        """The head, which now belongs to the engine. There must be one; call at once after `head`."""


class Engine(Protocol):
    """One modelled engine. It admits its source's head as long as that fits, and never looks past it."""

    name: EngineName
    boundary_ms: float
    """When its next event is: call `advance` then. `IDLE` while it has nothing to do."""
    steps: int
    """Iterations that have ended."""
    preemptions: int
    prompt_tokens: int
    """Of all requests that it has admitted for the first time."""
    cached_tokens: int
    """How many of these it did not need to compute."""
    kv_tokens_total: int
    """Tokens that fit in its key-value cache. No host gives it a job whose input and output are more."""

    def takes(self, ask: Ask) -> bool:
        """Whether it could ever run the ask: its memory, and a step where it must, hold so much. More is
        refused before any host hears of it."""

    def wake(self, now_ms: float) -> None:
        """The source may have another head than before: look at the next boundary, at once if idle."""

    def advance(self) -> list[Job]:
        """Do what happens at `boundary_ms`; the jobs that have ended there, with all their tokens. Sets
        a new `boundary_ms`."""

    def running(self) -> Collection[Job]:
        """The admitted jobs, preempted ones too."""

    def bring_up(self, now_ms: float) -> None:
        """Make `produced` of the running jobs, and `first_token_ms`, what they are at that moment, which
        lies before or at the boundary, and memory in use too. A token has come when its step has
        ended."""

    def drop(self, job: Job, now_ms: float) -> None:
        """The client of a running job has left: at the next boundary it is gone. Not returned as
        ended."""

    def slow_down(self, factor: float, now_ms: float) -> None:
        """Steps that begin from now on take so many times as long as they should; 1: as they should."""

    def fail(self) -> list[Job]:
        """It loses all that it has, cache included. The jobs that ran, with what they had produced when
        it was last brought up; idle afterwards."""

    def kv_tokens_used(self) -> int:
        """Tokens that running jobs hold in the key-value cache, as of the last boundary or of the last
        time it was brought up."""
