"""What is noted about a call while it lives, for the metrics and the log line."""

from collections.abc import Callable

from evenhand.gateway.identity import Identity
from evenhand.model import (
    EngineName,
    InteractionId,
    LaneName,
    ModelName,
    Outcome,
    RequestId,
    Usage,
)
from evenhand.telemetry import Metrics, RequestRecord, SecondsHistogram
from evenhand.telemetry.traces import TraceContext
from evenhand.wire.completion import Completion

_US = 1_000_000
"""Microseconds in a second: the log line tells whole ones."""


class CallRecord:
    """Filled step by step; `finished` is read once, after `ended`. Seconds are the loop's clock."""

    bytes_in = 0
    is_over_budget = False
    error: str | None = None
    """What the client was told of an error; not for the log."""
    _model: ModelName | None = None
    _is_stream = False
    _pace: SecondsHistogram | None = None
    _engine: EngineName | None = None
    _queue_wait_ms: int | None = None
    _last_token_s: float | None = None
    _ttft_ms: float | None = None
    _finished: RequestRecord | None = None
    trace: TraceContext | None = None
    """Where its spans will stand; None: nobody asks for any."""
    sent_ms: float | None = None
    """When it was first sent to an engine, after its arrival; noted for its spans alone."""

    def __init__(
        self,
        now_s: Callable[[], float],
        identity: Identity,
        request_id: RequestId,
        interaction: InteractionId,
        *,
        path: str,
    ) -> None:
        self._identity = identity
        self._lane = identity.lane
        self._id = request_id
        self._interaction = interaction
        self._path = path
        self._now_s = now_s
        self._begun_s = now_s()

    def over_budget(self, lane: LaneName) -> None:
        """A soft budget was exceeded by it, so it takes this lane."""
        self.is_over_budget = True
        self._lane = lane

    @property
    def model(self) -> ModelName | None:
        """None: its body was not read, or is not in order."""
        return self._model

    def age_ms(self, now_s: float) -> int:
        """Since it has come."""
        return int((now_s - self._begun_s) * 1000)

    def asked(self, completion: Completion, metrics: Metrics) -> None:
        """The body was read and is in order. Where tokens will be seen, the times between them count."""
        self._model = completion.model
        self._is_stream = completion.is_stream
        if completion.is_stream:
            self._pace = metrics.pace(completion.model, self._identity.tenant)

    def started(self, engine: EngineName, waited_ms: int) -> None:
        """It was sent to an engine. The last engine counts, and the first wait: a second one has the
        first engine's time in it."""
        self._engine = engine
        if self._queue_wait_ms is None:
            self._queue_wait_ms = waited_ms
            if self.trace is not None:
                self.sent_ms = int((self._now_s() - self._begun_s) * _US) / 1000

    def engine_headers(self) -> list[tuple[str, str]]:
        """What the engine is told beside the body."""
        headers = [("content-type", "application/json"), ("x-request-id", self._id)]
        if self.trace is not None:
            headers.append(("traceparent", self.trace.for_engine))
        return headers

    def tokens_came(self, tokens: int, now_s: float) -> None:
        """Output came, one token at least: the first sets the time to first token, later ones the
        pace."""
        last_s = self._last_token_s
        self._last_token_s = now_s
        if last_s is None:
            self._ttft_ms = int((now_s - self._begun_s) * _US) / 1000
        elif self._pace is not None:
            self._pace.observe((now_s - last_s) / tokens, tokens)

    def ended(
        self,
        outcome: Outcome,
        usage: Usage,
        *,
        units: int,
        status: int,
        dispatches: int,
        now_s: float,
    ) -> None:
        """It has ended; call once."""
        assert units >= 0
        assert dispatches >= 0
        identity = self._identity
        self._finished = {
            "request_id": self._id,
            "interaction": self._interaction,
            "path": self._path,
            "tenant": identity.tenant,
            "application": identity.application,
            "lane": self._lane,
            "model": self._model,
            "engine": self._engine,
            "outcome": outcome,
            "status": status,
            "is_stream": self._is_stream,
            "queue_wait_ms": self._queue_wait_ms,
            "ttft_ms": self._ttft_ms,
            "duration_ms": int((now_s - self._begun_s) * _US) / 1000,
            "input_tokens": usage.input_tokens,
            "cached_input_tokens": usage.cached_input_tokens,
            "output_tokens": usage.output_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
            "usage_is_estimate": usage.is_estimate,
            "units": units,
            "dispatches": dispatches,
            "bytes_in": self.bytes_in,
            "is_over_budget": self.is_over_budget,
        }

    def finished(self) -> RequestRecord:
        assert self._finished is not None, "the call has not ended"
        return self._finished
