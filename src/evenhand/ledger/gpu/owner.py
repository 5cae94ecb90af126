"""To whom a piece of GPU time belongs."""

from enum import StrEnum
from typing import NamedTuple

from evenhand.ledger.account import Consumer
from evenhand.model import ApplicationName, KeyId, ModelName


class GpuKind(StrEnum):
    """What GPU time was spent on, and how that is known."""

    EXACT = "exact"
    """Requests, by the steps of the engine that they took part in: told from inside the engine."""
    ESTIMATED = "estimated"
    """Requests, by the work that each was seen to cause while they were there together."""
    IDLE = "idle"
    """The engine was up, and had no request of ours."""
    DOWN = "down"
    """The engine was down."""
    AWAY = "away"
    """The gateway was not there to see."""


class GpuOwner(NamedTuple):
    """`consumer` and `model` of requests; NO_CONSUMER and "" of time that is nobody's."""

    kind: GpuKind
    consumer: Consumer
    model: ModelName


NO_CONSUMER = Consumer((), ApplicationName(""), KeyId(""))
NOBODY = {
    kind: GpuOwner(kind, NO_CONSUMER, ModelName(""))
    for kind in (GpuKind.IDLE, GpuKind.DOWN, GpuKind.AWAY)
}
"""Time of no request."""
