"""One attempt's answer on its way from the engine to the client. Hears the engine, tells the call."""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol

from evenhand.engines.http import Lost
from evenhand.gateway.settings import CallLimits
from evenhand.gateway.streamed_answer import StreamedAnswer
from evenhand.gateway.whole_answer import AnswerTooLong, WholeAnswer, answer_usage
from evenhand.model import Outcome, Usage
from evenhand.wire.sse import EventTooLong
from evenhand.wire.stream_meter import StreamMeter


class Fault(Enum):
    """What a failure says of the engine."""

    UNREACHABLE = auto()
    """It is down. Another engine may be tried."""
    ENGINE = auto()
    """It failed on this request. Another may be tried while no byte of an answer was passed on."""
    FINAL = auto()
    """Another engine would do no better, or it is too late to ask."""


class Relayed(Protocol):
    """The call, as its relay knows it. The last five end the attempt; exactly one of them is called,
    once, and the relay is silent after it."""

    def passes(self, data: bytes) -> None:
        """A piece of a streamed answer for the client."""

    def produced(self, output_tokens: int) -> None:
        """So many output tokens have come in all."""

    def completed_stream(self, usage: Usage) -> None:
        """The stream is whole."""

    def completed_whole(self, body: bytes, usage: Usage) -> None:
        """The answer is whole."""

    def refused_by_engine(self, status: int, body: bytes | None) -> None:
        """The engine finds fault with the request; `body` is its own error body if it has one."""

    def failed(self, outcome: Outcome, message: str, fault: Fault) -> None:
        """No answer, or no more of it."""

    def crashed(self, error: Exception) -> None:
        """Our own code failed on it; it must end all the same."""


_UNWELL = frozenset({429, 502, 503, 504})
"""Statuses by which an engine, or what stands before it, says that it cannot take requests."""

_OURS = frozenset({401, 403, 404, 405, 407, 421})
"""Statuses that blame the gateway's own credential or configuration, never the client."""


P = ParamSpec("P")


def _guarded(
    method: Callable[Concatenate["Relay", P], None],
) -> Callable[Concatenate["Relay", P], None]:
    """A host loop: a fault of our own ends the one call it hits, with an answer."""

    @wraps(method)
    def guarded(relay: "Relay", /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(relay, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - see the docstring
            relay.call.crashed(error)

    return guarded


class Relay:
    """Listens to one attempt (see `AnswerListener`)."""

    def __init__(
        self, call: Relayed, meter: StreamMeter | None, limits: CallLimits, *, input_tokens: int
    ) -> None:
        """`meter` is set if a stream was asked for; `input_tokens` is the estimate."""
        self.call = call
        self._meter = meter
        self._limits = limits
        self._input_tokens = input_tokens
        self._stream: StreamedAnswer | None = None
        self._whole: WholeAnswer | None = None

    def usage_so_far(self) -> Usage | None:
        """What a stream has used; None if nothing of a stream has come."""
        if self._stream is None or not self._stream.meter.has_content:
            return None
        return self._stream.usage(self._input_tokens)

    @_guarded
    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        is_events = headers.get("content-type", "").startswith("text/event-stream")
        if status == 200 and self._meter is not None and is_events:
            delimited = "transfer-encoding" in headers or "content-length" in headers
            self._stream = StreamedAnswer(
                self._meter,
                event_bytes_max=self._limits.event_bytes_max,
                is_delimited=delimited,
            )
        else:
            self._whole = WholeAnswer(status, answer_bytes_max=self._limits.answer_bytes_max)

    @_guarded
    def on_body(self, data: bytes) -> None:
        try:
            if self._stream is not None:
                self._feed_stream(self._stream, data)
            elif self._whole is not None:
                self._whole.feed(data)
        except (EventTooLong, AnswerTooLong):
            message = "The engine's answer is larger than this gateway passes on. Ask for less."
            self.call.failed(Outcome.ANSWER_TOO_LARGE, message, Fault.FINAL)

    @_guarded
    def on_end(self) -> None:
        if self._stream is not None:
            self._end_stream(self._stream)
        elif self._whole is not None:
            self._end_whole(self._whole)

    @_guarded
    def on_lost(self, reason: Lost) -> None:
        if reason is Lost.TIMED_OUT:
            message = "The engine was silent for too long. Try again later."
            self.call.failed(Outcome.ENGINE_TIMEOUT, message, Fault.FINAL)
            return
        if reason is Lost.REFUSED:
            message = "The engine cannot be reached. Try again later."
            self.call.failed(Outcome.ENGINE_FAILED, message, Fault.UNREACHABLE)
            return
        message = f"The engine {reason} before its answer was whole. Try again."
        self.call.failed(Outcome.ENGINE_FAILED, message, Fault.ENGINE)

    def _feed_stream(self, stream: StreamedAnswer, data: bytes) -> None:
        out = stream.feed(data)
        self.call.produced(stream.meter.output_tokens)
        if out:
            self.call.passes(out)

    def _end_stream(self, stream: StreamedAnswer) -> None:
        outcome = stream.ending()
        if outcome is Outcome.COMPLETED:
            self.call.completed_stream(stream.usage(self._input_tokens))
        else:
            message = "The engine broke off in the middle of its answer. Try again."
            self.call.failed(outcome, message, Fault.ENGINE)

    def _end_whole(self, whole: WholeAnswer) -> None:
        status = whole.status
        if status in _UNWELL:
            message = f"The engine takes no requests at the moment (status {status}). Try again."
            self.call.failed(Outcome.ENGINE_FAILED, message, Fault.ENGINE)
            return
        if status >= 500 or status in _OURS or status < 200 or 300 <= status < 400:
            message = f"The engine failed (status {status}). Tell the operator of this gateway."
            self.call.failed(Outcome.ENGINE_FAILED, message, Fault.FINAL)
            return
        document = whole.document()
        if status >= 400:
            has_error = document is not None and "error" in document
            self.call.refused_by_engine(status, whole.body() if has_error else None)
        elif document is None:
            message = "The engine's answer is not JSON. Tell the operator of this gateway."
            self.call.failed(Outcome.ENGINE_FAILED, message, Fault.FINAL)
        else:
            self.call.completed_whole(whole.body(), answer_usage(document, self._input_tokens))
