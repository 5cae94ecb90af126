"""A circuit before each engine: one that fails its requests gets none for a while, then one to try.

    CLOSED --too many failures--> OPEN --a while--> HALF_OPEN --its one trial is served--> CLOSED
                                   ^                    |
                                   +--the trial fails---+   (and the while doubles)

Pure: time is an argument, in milliseconds of a monotonic clock. Requests that no engine has heard of are
the health probe's matter, not the circuit's.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from evenhand.model import ModelName, RequestId, TenantPath

PAUSE_MS_MAX: Final = 30_000
"""No engine is left alone for longer than this because it asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitSettings:
    """When it opens, and for how long. The defaults are for engines that compute for seconds."""

    endings: int = 10
    """Of so many of the last requests,"""
    failures_to_open: int = 5
    """so many must have failed,"""
    memory_ms: int = 30_000
    """within so long."""
    backoff_min_ms: int = 1_000
    """Before the first trial; doubled with each that fails."""
    backoff_max_ms: int = 10_000
    quarantine_min_ms: int = 30_000
    """The same for an engine that has lied."""
    quarantine_max_ms: int = 300_000


class CircuitState(StrEnum):
    CLOSED = "closed"
    """It takes requests."""
    OPEN = "open"
    """It takes none."""
    HALF_OPEN = "half_open"
    """It takes one, to see how it does."""


class Opening(StrEnum):
    """Why a circuit opened."""

    HUNG = "hung"
    """A request timed out, and all that time the engine was silent to all others too."""
    FAILING = "failing"
    """Half of the last requests failed."""
    BUSY = "busy"
    """It said when to come back: it is draining, loading or full."""
    LYING = "lying"
    """It answered with what belongs to another request or model."""


class Verdict(StrEnum):
    """What a request that has ended at an engine says of the engine."""

    SERVED = "served"
    FAILED = "failed"
    SILENT = "silent"
    """It timed out, while others may have been served."""
    MUTE = "mute"
    """It timed out, and nothing at all was heard of the engine meanwhile."""
    LIED = "lied"
    NONE = "none"
    """Nothing: its client left, or it was at fault itself."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that was sent to an engine."""

    id: RequestId
    tenant: TenantPath
    model: ModelName


@dataclass(frozen=True, slots=True)
class _Ending:
    at_ms: int
    tenant: TenantPath
    model: ModelName
    is_served: bool


class Circuit:
    """One engine's. Every method that may change `state` returns whether it did."""

    def __init__(self, settings: CircuitSettings | None = None) -> None:
        self._settings = settings = settings or CircuitSettings()
        self.state = CircuitState.CLOSED
        self.because: Opening | None = None
        """Why it is not closed; None while it is."""
        self.openings: dict[Opening, int] = dict.fromkeys(Opening, 0)
        """How often it has opened, by reason; a failed trial counts again."""
        self.trial: RequestId | None = None
        """The request that tries a half-open one, while it is at the engine."""
        self.due_ms: int | None = None
        """When an open one becomes half-open; None while it is not open."""
        self._backoff_ms = 0
        self._endings: deque[_Ending] = deque(maxlen=settings.endings)

    @property
    def takes_none(self) -> bool:
        """Whether no request may be sent at this moment."""
        return self.state is CircuitState.OPEN or self.trial is not None

    def started(self, request_id: RequestId) -> bool:
        """A request was sent; a half-open one is tried by it."""
        if self.state is not CircuitState.HALF_OPEN or self.trial is not None:
            return False
        self.trial = request_id
        return True

    def answers(self, request_id: RequestId) -> bool:
        """The first word of an answer has come: enough from one that was silent."""
        if self.trial != request_id or self.because is not Opening.HUNG:
            return False
        return self.close()

    def ended(self, sent: Sent, verdict: Verdict, now_ms: int) -> bool:
        """A request has ended there, or is taken away from it."""
        is_trial = self.trial == sent.id
        if is_trial:
            self.trial = None
        if verdict is Verdict.NONE:
            return is_trial  # another may try
        if verdict is Verdict.LIED:
            return self._open(Opening.LYING, now_ms)
        if self.state is CircuitState.CLOSED:
            return self._note(sent, verdict, now_ms)
        assert self.because is not None
        if verdict is Verdict.SERVED:
            return (is_trial or self.because is Opening.HUNG) and self.close()
        return is_trial and self._open(self.because, now_ms)

    def pause(self, wait_ms: int, now_ms: int) -> bool:
        """The engine has said when to come back."""
        if self.state is not CircuitState.CLOSED and self.because is not Opening.BUSY:
            return False
        self._backoff_ms = 0
        changed = self._open(Opening.BUSY, now_ms)
        self.due_ms = now_ms + min(max(wait_ms, self._settings.backoff_min_ms), PAUSE_MS_MAX)
        return changed

    def look(self, now_ms: int) -> bool:
        """Become half-open if it is time. Call at `due_ms` or soon after."""
        if self.due_ms is None or now_ms < self.due_ms:
            return False
        self.state, self.due_ms, self.trial = CircuitState.HALF_OPEN, None, None
        return True

    def close(self) -> bool:
        """Begin anew: a trial was served, the operator says so, or the engine has restarted."""
        was_closed = self.state is CircuitState.CLOSED
        self.state, self.because = CircuitState.CLOSED, None
        self.trial = self.due_ms = None
        self._backoff_ms = 0
        self._endings.clear()
        return not was_closed

    def _note(self, sent: Sent, verdict: Verdict, now_ms: int) -> bool:
        if verdict is Verdict.MUTE:
            return self._open(Opening.HUNG, now_ms)
        is_served = verdict is Verdict.SERVED
        self._endings.append(_Ending(now_ms, sent.tenant, sent.model, is_served))
        return not is_served and self._fails(now_ms) and self._open(Opening.FAILING, now_ms)

    def _open(self, why: Opening, now_ms: int) -> bool:
        settings = self._settings
        least_ms, most_ms = settings.backoff_min_ms, settings.backoff_max_ms
        if why is Opening.LYING:
            least_ms, most_ms = settings.quarantine_min_ms, settings.quarantine_max_ms
        self._backoff_ms = min(max(2 * self._backoff_ms, least_ms), most_ms)
        self.state, self.because, self.trial = CircuitState.OPEN, why, None
        self.due_ms = now_ms + self._backoff_ms
        self.openings[why] += 1
        return True

    def _fails(self, now_ms: int) -> bool:
        """Whether so many of the last requests failed that it is the engine. Failures of one tenant
        alone, or of one model alone, are not, while others are served: nobody can take an engine from
        the others by requests that fail."""
        known = [
            ending for ending in self._endings if now_ms - ending.at_ms <= self._settings.memory_ms
        ]
        failed = [ending for ending in known if not ending.is_served]
        if len(failed) < self._settings.failures_to_open:
            return False
        served = [ending for ending in known if ending.is_served]
        tenants = {ending.tenant for ending in failed}
        models = {ending.model for ending in failed}
        is_one_tenant = len(tenants) == 1 and any(e.tenant not in tenants for e in served)
        is_one_model = len(models) == 1 and any(e.model not in models for e in served)
        return not is_one_tenant and not is_one_model
