"""What the sampler asks the gateway, once a second."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from evenhand.model import EngineName, EngineReport, TenantPath
from evenhand.scheduling import LaneStanding, Scheduler
from evenhand.telemetry.metrics import Metrics


class SeenEngine(Protocol):
    """An engine as the gateway holds it."""

    @property
    def name(self) -> EngineName:
        """As configured."""

    @property
    def is_up(self) -> bool:
        """Whether it answers."""

    @property
    def reason(self) -> str:
        """Why, or why not."""

    @property
    def is_drained(self) -> bool:
        """The operator gives it no more requests."""

    @property
    def circuit(self) -> str:
        """closed, open, half_open."""

    @property
    def report(self) -> EngineReport | None:
        """What it says of itself; None: nothing, or nothing of late."""


class Source(Protocol):
    """The gateway, asked on the loop's thread. Whatever it gives is bounded by its open requests, its
    lanes and its engines."""

    @property
    def scheduler(self) -> Scheduler:
        """The one core; it is only read."""

    @property
    def metrics(self) -> Metrics:
        """Counters, and who was served since."""

    def now_ms(self) -> int:
        """The scheduler's clock."""

    def open_tenants(self) -> Collection[TenantPath]:
        """Leaves with an open request, each once."""

    def tokens_in_flight(self) -> Mapping[TenantPath, int]:
        """Tokens of prompts and answers, as far as known or expected, of what is at engines."""

    def lanes(self) -> Sequence[LaneStanding]:
        """Each lane; none where there are no lanes."""

    def engines(self) -> Sequence[SeenEngine]:
        """All configured engines."""
