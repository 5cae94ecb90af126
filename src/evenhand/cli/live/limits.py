"""Bounds of single calls, which may change from one to the next."""

from typing import Final

from evenhand.cli.composition import call_limits
from evenhand.cli.config import Config
from evenhand.cli.config.problem import Finding
from evenhand.cli.live.participant import Apply
from evenhand.gateway.gateway import Gateway

_LIVE: Final = frozenset(
    {
        "json_depth_max",
        "choices_max",
        "embedding_inputs_max",
        "output_tokens_max",
        "answer_bytes_max",
        "event_bytes_max",
        "drain_s",
    }
)

QUEUE_LIMITS: Final = (
    "queue_requests_max",
    "queue_bytes_max",
    "tenant_queue_requests_max",
    "tenant_queue_bytes_max",
)
"""Those of the queue, which are changed with the order of it (`turns.py`)."""


class CallBounds:
    """See `Participant`. Calls that are open keep the bounds that they began with."""

    sections = frozenset({"limits"})

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def plan(self, old: Config, new: Config) -> Apply | list[Finding]:
        others: list[Finding] = [
            (("limits", name), _RESTART)
            for name in type(new.limits).model_fields
            if name not in _LIVE
            and name not in QUEUE_LIMITS
            and getattr(old.limits, name) != getattr(new.limits, name)
        ]
        if others:
            return others
        limits = call_limits(new)

        def apply() -> None:
            self._gateway.limits = limits

        return apply


_RESTART = (
    "is fixed while the gateway runs, of the limits only these are not:"
    f" {', '.join(sorted(_LIVE.union(QUEUE_LIMITS)))}. Take it back, or start the gateway anew"
)
