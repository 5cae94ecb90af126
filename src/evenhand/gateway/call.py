"""One call for completion, from its body to its one ending. The life of a request is read here.

    READING --body--> QUEUED --turn--> RUNNING --answer--> ENDED
                        ^                 |
                        +--engine failed--+   (once, and only before the first byte)

Whatever happens, `_end` runs exactly once: it settles, frees the slot, counts and logs.
"""

from enum import Enum, auto
from typing import TYPE_CHECKING

from evenhand.engines.http import Attempt
from evenhand.gateway.admission import (
    Admitted,
    Refused,
    check_rights,
    read_body,
    scheduler_request,
)
from evenhand.gateway.call_record import CallRecord
from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.http.contract import Response
from evenhand.gateway.identity import KeyHolder
from evenhand.gateway.relay import Fault, Relay
from evenhand.model import ENDINGS, InteractionId, Outcome, RequestId, Usage
from evenhand.scheduling import Refusal
from evenhand.wire.dialect import engine_body
from evenhand.wire.error import error_body, error_headers
from evenhand.wire.sse import event
from evenhand.wire.stream_meter import StreamMeter

if TYPE_CHECKING:  # the gateway makes calls, and calls know their gateway
    from evenhand.gateway.gateway import Gateway

DISPATCHES_MAX = 2
"""Times a request is written to an engine in all, the one retry included."""


class Phase(Enum):
    READING = auto()
    QUEUED = auto()
    RUNNING = auto()
    ENDED = auto()


class Call:
    """Handler of the client's side, `Dispatched` to the dispatcher, `Relayed` to its relay."""

    def __init__(
        self,
        gateway: "Gateway",
        holder: KeyHolder,
        response: Response,
        *,
        path: str,
        request_id: RequestId,
        interaction: InteractionId,
    ) -> None:
        self._gateway = gateway
        self._dispatcher = gateway.dispatcher
        self._holder = holder
        self._response = response
        self._path = path
        self._id = request_id
        self._interaction = interaction
        self._phase = Phase.READING
        self._admitted: Admitted | None = None
        self._link: EngineLink | None = None
        self._attempt: Attempt | None = None
        self._relay: Relay | None = None
        self._is_streaming = False
        self._is_client_slow = False
        self._charged_tokens = 0
        self._sends_before = 0
        self._record = CallRecord(gateway.now_s, holder.identity, request_id, interaction)
        holder.open_requests += 1
        gateway.calls.add(self)

    # The client's side.

    def body(self, body: bytes) -> None:
        try:
            self._take(body)
        except Exception as error:  # noqa: BLE001 - a host loop: one call's fault is its own
            self.crashed(error)

    def _take(self, body: bytes) -> None:
        self._record.bytes_in = len(body)
        admitted = self._admit(body)
        if isinstance(admitted, Refused):
            self._answer_error(admitted)
            return
        self._admitted = admitted
        self._record.asked(
            admitted.completion, self._gateway.metrics.for_model(admitted.completion.model)
        )
        request = scheduler_request(
            admitted, self._holder.identity, request_id=self._id, interaction=self._interaction
        )
        self._phase = Phase.QUEUED
        self._dispatcher.submit(self, request)

    def gone(self) -> None:
        """Hang up behind it, at once: that is how the engine learns to stop."""
        if self._phase is Phase.READING:
            self._end(Outcome.CANCELLED_QUEUED)
        elif self._phase is Phase.QUEUED:
            self._dispatcher.cancel(self._id)
            self._end(Outcome.CANCELLED_QUEUED)
        elif self._phase is Phase.RUNNING:
            self._hang_up()
            slow = self._is_client_slow
            outcome = Outcome.SLOW_READER if slow else Outcome.CANCELLED_RUNNING
            self._end(outcome, self._usage_of_broken_answer())

    def client_slow(self) -> None:
        self._is_client_slow = True
        if self._attempt is not None:
            self._attempt.pause()

    def client_ready(self) -> None:
        self._is_client_slow = False
        if self._attempt is not None:
            self._attempt.resume()

    # The dispatcher's side.

    def start(self, engine: EngineLink, waited_ms: int) -> None:
        assert self._phase is Phase.QUEUED
        assert self._admitted is not None
        self._phase = Phase.RUNNING
        self._link = engine
        self._record.started(engine.name, waited_ms)
        completion = self._admitted.completion
        salt = self._gateway.salts.of(self._holder.identity.trust_domain)
        sent = engine_body(self._admitted.members, completion, engine.dialect, cache_salt=salt)
        meter = StreamMeter(
            client_wants_usage=completion.wants_usage,
            client_wants_each=completion.wants_usage_each,
            asked_for_more=sent.asks_for_more,
        )
        self._relay = Relay(
            self,
            meter if completion.is_stream else None,
            self._gateway.limits,
            input_tokens=self._dispatcher.scheduler.expected_usage(self._id).input_tokens,
        )
        self._attempt = engine.client.post(
            self._path,
            sent.body,
            [("content-type", "application/json"), ("x-request-id", self._id)],
            self._relay,
            sends_max=DISPATCHES_MAX - self._sends_before,
        )

    def refused(self, refusal: Refusal) -> None:
        self._phase = Phase.READING  # the scheduler has forgotten it
        self._answer_error(
            Refused(refusal.outcome, refusal.message, retry_after_ms=refusal.retry_after_ms)
        )

    def crashed(self, error: Exception) -> None:
        self._gateway.report_crash(self._id, error)
        message = "The gateway failed on this request. Tell its operator."
        self._break_off(Outcome.INTERNAL_ERROR, message)

    def stop(self) -> None:
        """The gateway is out of time to let this call end by itself."""
        self._break_off(Outcome.SHUTTING_DOWN, "The gateway is shutting down. Try again.")

    # The relay's side.

    def passes(self, data: bytes) -> None:
        if not self._is_streaming:
            self._is_streaming = True
            headers = [*self._headers("text/event-stream"), ("cache-control", "no-cache")]
            self._response.start(200, headers)
        self._response.write(data)

    def produced(self, output_tokens: int) -> None:
        new = output_tokens - self._charged_tokens
        if new:
            self._charged_tokens = output_tokens
            self._dispatcher.produced(self._id, new)
            self._record.tokens_came(new, self._gateway.now_s())

    def completed_stream(self, usage: Usage) -> None:
        if not self._is_streaming:
            self.passes(b"")
        self._response.finish()
        self._end(Outcome.COMPLETED, usage)

    def completed_whole(self, body: bytes, usage: Usage) -> None:
        self._record.tokens_came(usage.output_tokens, self._gateway.now_s())
        self._response.send(200, self._headers("application/json"), body)
        self._end(Outcome.COMPLETED, usage)

    def refused_by_engine(self, status: int, body: bytes | None) -> None:
        message = "The engine refused this request without saying why. Check its parameters."
        body = body or error_body(Outcome.REFUSED_BY_ENGINE, message)
        headers = [*self._headers("application/json"), ("x-should-retry", "false")]
        self._response.send(status, headers, body)
        self._end(Outcome.REFUSED_BY_ENGINE, status=status)

    def failed(self, outcome: Outcome, message: str, fault: Fault) -> None:
        assert self._link is not None
        assert self._attempt is not None
        self._attempt.abort()
        self._sends_before += self._attempt.sends
        self._attempt = None
        if fault is Fault.UNREACHABLE:
            self._link.report_unreachable()
        may_retry = (
            fault is not Fault.FINAL
            and not self._is_streaming
            and self._sends_before < DISPATCHES_MAX
            and not self._charged_tokens
        )
        if may_retry and self._dispatcher.try_again_elsewhere(self._id):
            self._phase = Phase.QUEUED
            self._relay = None
            return
        self._fail(outcome, message)

    # Endings.

    def _admit(self, body: bytes) -> Admitted | Refused:
        identity, limits = self._holder.identity, self._gateway.limits
        if self._gateway.is_draining:
            message = "The gateway is shutting down. Try again."
            return Refused(Outcome.SHUTTING_DOWN, message, retry_after_ms=1_000)
        admitted = read_body(body, limits)
        if isinstance(admitted, Refused):
            return admitted
        refused = check_rights(admitted.completion, identity, self._gateway.models, limits)
        if refused is not None:
            return refused
        open_max = identity.open_requests_max
        if open_max is not None and self._holder.open_requests > open_max:
            message = f"This key has {open_max} requests open, its limit. Wait for one to end."
            scheduler = self._dispatcher.scheduler
            wait_ms = scheduler.retry_after_ms(identity.tenant, self._dispatcher.now_ms())
            return Refused(Outcome.KEY_LIMIT, message, retry_after_ms=wait_ms)
        return admitted

    def _headers(self, content_type: str) -> list[tuple[str, str]]:
        return [("content-type", content_type), *self._id_headers()]

    def _id_headers(self) -> list[tuple[str, str]]:
        return [("x-request-id", self._id), ("x-evenhand-interaction", self._interaction)]

    def _answer_error(self, refused: Refused) -> None:
        headers = [*error_headers(refused.outcome, refused.retry_after_ms), *self._id_headers()]
        body = error_body(refused.outcome, refused.message, refused.param)
        self._response.send(ENDINGS[refused.outcome].status, headers, body)
        self._end(refused.outcome)

    def _fail(self, outcome: Outcome, message: str) -> None:
        """End a call that was dispatched: in the stream if it has begun, else by a status."""
        usage = self._usage_of_broken_answer() if self._is_streaming else None
        if self._is_streaming:
            self._response.write(event(error_body(outcome, message)))
            self._response.finish()
        else:
            headers = [*error_headers(outcome), *self._id_headers()]
            body = error_body(outcome, message)
            self._response.send(ENDINGS[outcome].status, headers, body)
        self._end(outcome, usage)

    def _break_off(self, outcome: Outcome, message: str) -> None:
        """End it from whatever phase it is in."""
        if self._phase is Phase.QUEUED:
            self._dispatcher.cancel(self._id)
            self._phase = Phase.READING
        if self._phase is Phase.READING:
            self._answer_error(Refused(outcome, message))
        elif self._phase is Phase.RUNNING:
            self._hang_up()
            self._fail(outcome, message)

    def _hang_up(self) -> None:
        if self._attempt is not None:
            self._attempt.abort()

    def _usage_of_broken_answer(self) -> Usage:
        """What was used by an answer that nobody hears the end of. For a stream its own count; for
        anything else what was expected, because the engine was at work on it."""
        streamed = self._relay.usage_so_far() if self._relay is not None else None
        expected = self._dispatcher.scheduler.expected_usage(self._id)
        if streamed is not None:
            return streamed
        assert self._admitted is not None
        if self._admitted.completion.is_stream:
            return Usage(expected.input_tokens, 0, is_estimate=True)
        return expected

    def _end(
        self, outcome: Outcome, usage: Usage | None = None, *, status: int | None = None
    ) -> None:
        """The one ending. `usage` None: no work was done for it."""
        assert self._phase is not Phase.ENDED, "a request ends once"
        was_running = self._phase is Phase.RUNNING
        self._phase = Phase.ENDED
        self._gateway.calls.discard(self)
        self._holder.open_requests -= 1
        usage = usage or Usage(0, 0)
        units = 0
        if was_running:
            units = self._dispatcher.settle(self._id, usage, outcome).units
        sends = self._sends_before + (self._attempt.sends if self._attempt is not None else 0)
        self._record.ended(
            outcome,
            usage,
            units=units,
            status=status or (200 if self._is_streaming else ENDINGS[outcome].status),
            dispatches=sends,
            now_s=self._gateway.now_s(),
        )
        self._gateway.ended(self._record)
