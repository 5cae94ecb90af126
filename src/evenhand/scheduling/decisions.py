"""What the core returns. Every effect is a value; the host carries it out."""

from dataclasses import dataclass
from typing import NamedTuple

from evenhand.model import EngineName, Outcome, Request


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is not served: ended, with nothing to settle. `retry_after_ms` is an estimate
    from the measured service rate; the message says which limit it met."""

    request: Request
    outcome: Outcome
    message: str
    retry_after_ms: int | None = None
    waited_ms: int = 0
    """How long it was queued before."""


@dataclass(frozen=True, slots=True)
class Submission:
    """The answer to `submit`. `refused` ends the arrival itself; each of `shed` was queued before
    and is ended instead. Without `refused` the arrival waits."""

    refused: Refusal | None = None
    shed: tuple[Refusal, ...] = ()


class Start(NamedTuple):
    """Send that request to that engine; `waited_ms` is how long it was queued."""

    request: Request
    engine: EngineName
    waited_ms: int


class Settlement(NamedTuple):
    """The one ending of a request that was dispatched: what it was charged in all."""

    request: Request
    outcome: Outcome
    engine: EngineName
    units: int
    corrected_units: int
    """How much the last correction added (negative: refunded)."""
