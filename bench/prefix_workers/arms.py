"""What is compared: a policy, and how many requests the gateway lets into an engine."""

from dataclasses import dataclass, field
from typing import Any

SEATS = 4
"""Requests that an engine is to compute at once."""

_AT_ONCE = 1_000
"""A window beyond all that is ever open: what comes is sent on at once, as routers do that have no
queue, and waits in the engine's own, first come first served."""


@dataclass(frozen=True, slots=True)
class Arm:
    """`window` for each of the engines."""

    window: int
    policy: dict[str, Any] = field(default_factory=dict)


_QUANTA = {"quantum_tokens": 3, "engine_quantum_tokens": 80}
"""Of D2LPM, in documents: about what its defaults are for prompts of a thousand tokens."""


def d2lpm(document_tokens: int) -> Arm:
    """Its quanta are for the prompts that come, as an operator would set them."""
    settings = {name: count * document_tokens for name, count in _QUANTA.items()}
    return Arm(SEATS, {"preset": "d2lpm", "settings": settings})


OTHERS = {
    "vtc": Arm(SEATS, {"preset": "vtc", "placement": "least-outstanding"}),
    "cache-aware": Arm(_AT_ONCE, {"preset": "fcfs", "placement": "cache-aware"}),
    "round-robin": Arm(_AT_ONCE, {"preset": "fcfs", "placement": "round-robin"}),
}
