"""One attempt's answer on its way from the engine to the client. Hears the engine, tells the call."""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Protocol

from evenhand.engines.http import Lost
from evenhand.gateway.apis import Api
from evenhand.gateway.guarded import guarded
from evenhand.gateway.settings import CallLimits
from evenhand.gateway.streamed_answer import StreamedAnswer
from evenhand.gateway.whole_answer import (
    AnswerTooLong,
    WholeAnswer,
    answer_usage,
)
from evenhand.model import Outcome, Usage
from evenhand.wire.answer_origin import AnswerOrigin
from evenhand.wire.completion import Completion
from evenhand.wire.engine_error import BLAMES_GATEWAY, UNWELL
from evenhand.wire.meter import Meter
from evenhand.wire.retry_after import wait_ms
from evenhand.wire.sse import EventTooLong
from evenhand.wire.usage import of_all

_GONE = 404
"""What an engine says of a response that it has not kept."""


class Fault(Enum):
    """What a failure says of the engine."""

    UNREACHABLE = auto()
    """It is down. Another engine may be tried."""
    ENGINE = auto()
    """It failed on this request. Another may be tried while no byte of an answer was passed on."""
    LIED = auto()
    """It answered with what is of another request or model. Another may be tried likewise."""
    FINAL = auto()
    """Another engine would do no better, or it is too late to ask."""


class Relayed(Protocol):
    """The call, as its relay knows it. The last four end the attempt; one of them is called, once, and
    the relay is silent after it, unless `passes` has found the client gone: then none need be."""

    def passes(self, data: bytes) -> None:
        """A piece of a streamed answer for the client."""

    def passes_last(self, data: bytes) -> None:
        """The same of the piece that has the last event in it."""

    def prompt_counted(self, input_tokens: int, cached_tokens: int | None) -> None:
        """The engine has said how long the prompt is, and how much of it was cached; None: not that,
        or not yet."""

    def produced(self, output_tokens: int) -> None:
        """So many output tokens have come in all."""

    def completed_stream(self, usage: Usage) -> None:
        """The stream is whole."""

    def completed_whole(self, body: bytes, usage: Usage) -> None:
        """The answer is whole."""

    def refused_by_engine(self, status: int, body: bytes) -> None:
        """The engine finds fault with the request; `body` is an OpenAI error that says which."""

    def failed(self, outcome: Outcome, message: str, fault: Fault) -> None:
        """No answer, or no more of it."""

    def crashed(self, error: Exception) -> None:
        """Our own code failed on it; it must end all the same."""


class Relay:
    """Listens to one attempt (see `AnswerListener`)."""

    def __init__(
        self,
        call: Relayed,
        api: Api,
        completion: Completion,
        limits: CallLimits,
        *,
        input_tokens: int,
        asks_for_more: bool,
        counts_one_choice: bool,
        hides_cached: bool,
        origin: AnswerOrigin | None,
        on_kept: Callable[[str, Usage], None] | None = None,
    ) -> None:
        """`input_tokens` is the estimate. `asks_for_more`: we asked for usage that the client did not
        ask for. `counts_one_choice`: the engine's usage is of one prompt and one choice. `hides_cached`:
        the client is not told how much of its prompt was cached. `on_kept` is told the id by which the
        engine keeps the answer, and what it has used."""
        self._call = call
        self._api = api
        self._meter: Meter | None = None
        if completion.is_stream:
            self._meter = api.meter(completion, asks_for_more)
        self._limits = limits
        self._input_tokens = input_tokens
        self._is_of_one_prompt = completion.choices == 1
        self._hides_cached = hides_cached
        is_one = counts_one_choice and completion.choices > 1
        self._reports_one_of = completion if is_one else None
        self._origin = origin
        self._on_kept = on_kept
        self._goes_on = completion.previous is not None
        self.pause_ms: int | None = None
        """How long the engine wants to be left alone, if it has said so."""
        self._stream: StreamedAnswer | None = None
        self._whole: WholeAnswer | None = None
        self._prompt_told: tuple[int, int | None] | None = None
        self.is_stream_done = False
        """The last event was passed on."""
        self.is_over = False
        """The engine has nothing more to do with it, as far as one can know."""

    def crashed(self, error: Exception) -> None:
        self._call.crashed(error)

    @property
    def is_counted(self) -> bool:
        """It was asked for as a stream, so that its tokens are seen as they come."""
        return self._meter is not None

    def usage_so_far(self, expected: Usage) -> Usage:
        """What is known to be used by an answer that nobody hears the end of: of a stream its own count,
        of anything else the prompt, as `expected`."""
        if self._meter is None or not self._meter.has_content:
            return Usage(expected.input_tokens, 0, is_estimate=True)
        return self._meter.usage(input_tokens_estimate=self._input_tokens)

    @guarded
    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        is_events = headers.get("content-type", "").startswith("text/event-stream")
        if status == 200 and self._meter is not None and is_events:
            delimited = "transfer-encoding" in headers or "content-length" in headers
            limits, is_long = self._limits, self._api.events_are_long
            self._stream = StreamedAnswer(
                self._meter,
                event_bytes_max=limits.answer_bytes_max if is_long else limits.event_bytes_max,
                is_delimited=delimited,
                origin=self._api.origin_of_events(self._origin),
            )
        else:
            self._whole = WholeAnswer(status, answer_bytes_max=self._limits.answer_bytes_max)
            if status in UNWELL:
                self.pause_ms = wait_ms(headers.get("retry-after"))

    def on_body(self, data: bytes) -> None:
        try:
            stream = self._stream
            if stream is not None:
                self._pass_on(stream, stream.feed(data))
                if stream.error is not None or stream.lie is not None:
                    self._tell_error(stream)
            elif self._whole is not None:
                self._whole.feed(data)
        except (EventTooLong, AnswerTooLong):
            self._too_large()
        except Exception as error:  # noqa: BLE001 - `guarded`, without a call more for each chunk
            self._call.crashed(error)

    @guarded
    def _too_large(self) -> None:
        message = "The engine's answer is larger than this gateway passes on. Ask for less."
        self._call.failed(Outcome.ANSWER_TOO_LARGE, message, Fault.FINAL)

    @guarded
    def on_end(self) -> None:
        self.is_over = True
        if self._stream is not None:
            self._end_stream(self._stream)
        elif self._whole is not None:
            self._end_whole(self._whole)

    @guarded
    def on_lost(self, reason: Lost) -> None:
        self.is_over = reason is not Lost.TIMED_OUT
        if reason is Lost.TIMED_OUT:
            message = "The engine was silent for too long. Try again later."
            self._call.failed(Outcome.ENGINE_TIMEOUT, message, Fault.FINAL)
            return
        if reason is Lost.REFUSED:
            message = "The engine cannot be reached. Try again later."
            self._call.failed(Outcome.ENGINE_FAILED, message, Fault.UNREACHABLE)
            return
        message = f"The engine {reason} before its answer was whole. Try again."
        self._call.failed(Outcome.ENGINE_FAILED, message, Fault.ENGINE)

    def _pass_on(self, stream: StreamedAnswer, out: bytes) -> None:
        call, meter = self._call, stream.meter
        if meter.prompt is not self._prompt_told:
            self._prompt_told = meter.prompt
            self._tell_prompt(meter.prompt)
        call.produced(meter.output_tokens)
        if not out:
            return
        if self._hides_cached:
            out = self._api.hide_in_stream(out)
        if not meter.is_done:
            call.passes(out)
            return
        if self._on_kept is not None and meter.answer_id is not None:
            self._on_kept(meter.answer_id, stream.usage(self._input_tokens))
        call.passes_last(out)
        self.is_stream_done = self.is_over = True

    def _tell_prompt(self, prompt: tuple[int, int | None] | None) -> None:
        """What is said of several prompts or choices at once says nothing of any of them."""
        if prompt is not None and self._is_of_one_prompt:
            self._call.prompt_counted(*prompt)

    def _tell_error(self, stream: StreamedAnswer) -> None:
        """Whatever the engine has said of an error inside the stream."""
        self.is_over = stream.lie is None
        if stream.lie is not None:
            self._tell_lie(stream.lie)
        elif stream.refusal is not None:
            self._call.refused_by_engine(*stream.refusal)
        elif stream.error is not None:
            said = stream.error.rstrip(".")
            message = f"The engine failed in the middle of its answer: {said}. Try again."
            self._call.failed(Outcome.ENGINE_FAILED, message, Fault.ENGINE)

    def _tell_lie(self, lie: str) -> None:
        message = f"The engine mixed up its answers: {lie}. The rest was dropped. Try again."
        self._call.failed(Outcome.ENGINE_FAILED, message, Fault.LIED)

    def _end_stream(self, stream: StreamedAnswer) -> None:
        self._pass_on(stream, stream.end())
        outcome = stream.ending()
        if stream.error is not None or stream.lie is not None:
            self._tell_error(stream)
        elif outcome is Outcome.COMPLETED:
            self._call.completed_stream(self._whole_stream_usage(stream))
        else:
            message = "The engine broke off in the middle of its answer. Try again."
            self._call.failed(outcome, message, Fault.ENGINE)

    def _end_whole(self, whole: WholeAnswer) -> None:
        status = whole.status
        if status in UNWELL:
            message = f"The engine takes no requests at the moment (status {status}). Try again."
            self._call.failed(Outcome.ENGINE_FAILED, message, Fault.ENGINE)
            return
        if status in BLAMES_GATEWAY and not (status == _GONE and self._goes_on):
            message = f"The engine refuses the gateway (status {status}). Tell its operator."
            self._call.failed(Outcome.ENGINE_REJECTED, message, Fault.FINAL)
            return
        if status >= 500 or status < 200 or 300 <= status < 400:
            message = f"The engine failed (status {status}). Tell the operator of this gateway."
            self._call.failed(Outcome.ENGINE_FAILED, message, Fault.FINAL)
            return
        if status >= 400:
            self._call.refused_by_engine(status, whole.refusal())
            return
        document = whole.document()
        if document is None:
            message = "The engine's answer is not JSON. Tell the operator of this gateway."
            self._call.failed(Outcome.ENGINE_FAILED, message, Fault.FINAL)
            return
        lie = None if self._origin is None else self._origin.lie(document)
        if lie is not None:
            self._tell_lie(lie)
        else:
            report = self._api.usage(document.get("usage"))
            usage = answer_usage(report, self._api.texts(document), self._input_tokens)
            self._tell_prompt(None if report is None else report.prompt)
            asked = self._reports_one_of
            if asked is not None:
                usage = of_all(usage, prompts=asked.prompts, choices=asked.choices)
            answer_id = document.get("id")
            if self._on_kept is not None and isinstance(answer_id, str):
                self._on_kept(answer_id, usage)
            hide = self._api.hide_in_whole
            body = hide(whole.body()) if self._hides_cached else whole.body()
            self._call.completed_whole(body, usage)

    def _whole_stream_usage(self, stream: StreamedAnswer) -> Usage:
        usage, asked = stream.usage(self._input_tokens), self._reports_one_of
        # Of a stream we have counted every choice's output ourselves.
        return usage if asked is None else of_all(usage, prompts=asked.prompts, choices=1)
