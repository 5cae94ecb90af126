"""What the admin listener asks the gateway."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from evenhand.gateway.shadow_host import ShadowHost
from evenhand.model import (
    ApplicationName,
    EngineName,
    EngineReport,
    LaneName,
    ModelName,
    Outcome,
    RequestId,
    TenantPath,
)
from evenhand.scheduling import Explanation, LaneStanding, Scheduler
from evenhand.telemetry import Metrics, RequestRecord


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """Whether an engine answers, and in the words of whoever found out, why or why not. `report` is
    what it says of itself, so many milliseconds ago; None: nothing, or nothing of late. `signals` says
    how far it can be read, `signals_missing` which names it no longer tells."""

    name: EngineName
    is_up: bool
    reason: str
    report: EngineReport | None = None
    report_age_ms: int | None = None
    signals: str = ""
    signals_missing: tuple[str, ...] = ()
    is_drained: bool = False
    """The operator gives it no more requests."""
    circuit: str = "closed"
    """Whether it is left alone because requests failed there: "open", or "half_open" for a trial."""
    circuit_because: str | None = None
    """Why it is not closed; None while it is."""
    circuit_openings: Mapping[str, int] = field(default_factory=dict)
    """How often it has opened so far, by reason."""
    given_up: int = 0
    """Slots that are taken by requests that were given up while it was at them."""
    given_up_total: int = 0
    window_reason: str = "fixed"
    """What the last change of its window was made for; "fixed": it is of a fixed size."""
    window_because: str = "the configuration says so"
    """The same, in words."""


@dataclass(frozen=True, slots=True)
class CallStatus:
    """One call: in which phase it is, and once that is "ended", how it ended. `message` is the error
    that its client was told; None: there was none."""

    phase: str
    tenant: TenantPath | None
    engine: EngineName | None
    outcome: Outcome | None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCall:
    """A call that has not ended. `age_ms` counts from its arrival."""

    request_id: RequestId
    phase: str
    tenant: TenantPath
    application: ApplicationName
    lane: LaneName
    model: ModelName | None
    engine: EngineName | None
    age_ms: int


class Status(Protocol):
    """The gateway as the admin listener sees it. Asked on the loop's thread, answered at once."""

    @property
    def version(self) -> str:
        """Of the gateway."""

    @property
    def is_draining(self) -> bool:
        """Whether it is shutting down and takes no new requests."""

    @property
    def ledger_closed_because(self) -> str | None:
        """Why the ledger cannot be written; None while it can, or where there is none."""

    @property
    def scheduler(self) -> Scheduler:
        """The one core; it is only read."""

    @property
    def metrics(self) -> Metrics:
        """With the scheduler's collector registered."""

    @property
    def shadow(self) -> ShadowHost | None:
        """The observer of `mode: observe`; None: the order is enforced."""

    @property
    def request_units_max(self) -> int | None:
        """The most that one request may be charged under the limits and the cost, in units."""

    def lanes(self) -> Sequence[LaneStanding]:
        """Each lane at this moment; none where there are no lanes."""

    def open_calls(self) -> Iterator[OpenCall]:
        """Every call that has not ended. To be read at once."""

    def ended_calls(self) -> Iterator[tuple[RequestRecord, str | None]]:
        """The calls that ended of late, the last one first, with the error that the client was told.
        To be read at once."""

    def call(self, request_id: RequestId) -> CallStatus | None:
        """A call that is open or has ended of late; None: there is none of that id."""

    def why(self, request_id: RequestId) -> Explanation | None:
        """What the core says of its wait; None: it never waited, or that is too long ago."""

    def uptime_ms(self) -> int:
        """Since the gateway started."""

    def engines(self) -> Sequence[EngineStatus]:
        """All configured engines."""
