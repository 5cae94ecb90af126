"""Requests per minute: what gateways usually do, and the control of every comparison. See rates.md."""

from collections import deque

from evenhand.model import Outcome, Request, Usage
from evenhand.scheduling.admission.overload import OverloadStatus
from evenhand.scheduling.admission.protocol import Admission
from evenhand.scheduling.decisions import Refusal
from evenhand.scheduling.node import Node
from evenhand.scheduling.tenant_memory import TenantMemory

_WINDOW_MS = 60_000


class RequestRate:
    """At most so many admitted requests of a tenant in any 60 seconds."""

    def __init__(self, requests_per_minute: int) -> None:
        self._limit = limit = requests_per_minute
        # Instants of admission: bounded by the limit, and by the tenants of the last minute.
        self._admitted: TenantMemory[deque[int]] = TenantMemory(
            lambda: deque(maxlen=limit), idle_ms=_WINDOW_MS
        )

    def refusal(self, request: Request, leaf: Node, now_ms: int) -> Refusal | None:
        admitted = self._admitted.of(leaf)
        if admitted is not None and len(admitted) == self._limit:
            wait_ms = admitted[0] + _WINDOW_MS - now_ms
            if wait_ms > 0:
                message = (
                    f"Tenant {'/'.join(leaf.path)} has sent {self._limit} requests within a minute, "
                    "its limit. Retry after the time given."
                )
                return Refusal(request, Outcome.RATE_LIMITED, message, wait_ms)
        self._admitted.active(leaf, now_ms).append(now_ms)
        return None

    def ended(
        self, request: Request, leaf: Node, usage: Usage, outcome: Outcome, now_ms: int
    ) -> None:
        """It was a request, however it ended."""

    def overload(self) -> OverloadStatus | None:
        return None

    def forget(self, leaf: Node) -> None:
        """It goes by itself, a minute after its last request, and no sooner."""


_: type[Admission] = RequestRate
