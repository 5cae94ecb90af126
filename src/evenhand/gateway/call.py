"""One call for completion, from its body to its one ending. The life of a request is read here.

    READING --body--> QUEUED --turn--> RUNNING --answer--> ENDED
                        ^                 |
                        +--engine failed--+   (once, and only before the first byte)

Whatever happens, `_end` runs exactly once: it settles, frees the slot, counts and logs.
"""

from enum import Enum, auto
from typing import TYPE_CHECKING

from evenhand.gateway.admission import Admitted, Refused, admit, scheduler_request
from evenhand.gateway.attempts import Attempts
from evenhand.gateway.call_record import CallRecord
from evenhand.gateway.client_answer import ClientAnswer
from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.guarded import guarded
from evenhand.gateway.http.contract import Response
from evenhand.gateway.identity import KeyHolder
from evenhand.gateway.relay import Fault, Relay
from evenhand.model import ENDINGS, NO_USAGE, InteractionId, Outcome, RequestId, Usage
from evenhand.scheduling import Refusal
from evenhand.wire.dialect import engine_body
from evenhand.wire.stream_meter import StreamMeter

if TYPE_CHECKING:  # the gateway makes calls, and calls know their gateway
    from evenhand.gateway.gateway import Gateway

_WORKED_ON = frozenset({Outcome.ENGINE_TIMEOUT, Outcome.ANSWER_TOO_LARGE})
"""Failures of answers that an engine was at work on. They are charged, or asking for what takes too
long would be a way to be served for nothing."""


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
        self._answer = ClientAnswer(response, request_id, interaction)
        self._path = path
        self._id = request_id
        self._interaction = interaction
        self._phase = Phase.READING
        self._admitted: Admitted | None = None
        self._link: EngineLink | None = None
        self._attempts = Attempts()
        self._relay: Relay | None = None
        self._charged_tokens = 0
        self._record = CallRecord(gateway.now_s, holder.identity, request_id, interaction)
        holder.open_requests += 1
        gateway.calls.add(self)

    # The client's side.

    @guarded
    def body(self, body: bytes) -> None:
        self._record.bytes_in = len(body)
        admitted = self._admit(body)
        if isinstance(admitted, Refused):
            self._refuse(admitted)
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

    @guarded
    def gone(self, why: Outcome | None) -> None:
        """Hang up behind it, at once: that is how the engine learns to stop. `why` is set where the
        edge itself has ended the request."""
        if self._phase is Phase.QUEUED:
            self._dispatcher.cancel(self._id)
            self._phase = Phase.READING
        if self._phase is Phase.READING:
            self._end(why or Outcome.CANCELLED_QUEUED)
        elif self._phase is Phase.RUNNING:
            self._attempts.abort()
            outcome = why or Outcome.CANCELLED_RUNNING
            self._end(Outcome.COMPLETED if self._is_told_all() else outcome, self._used())

    def client_slow(self) -> None:
        self._attempts.pause()

    def client_ready(self) -> None:
        self._attempts.resume()

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
        meter = None
        if completion.is_stream:
            meter = StreamMeter(
                client_wants_usage=completion.wants_usage,
                client_wants_each=completion.wants_usage_each,
                asked_for_more=sent.asks_for_more,
            )
        self._relay = Relay(
            self,
            meter,
            self._gateway.limits,
            input_tokens=self._dispatcher.scheduler.expected_usage(self._id).input_tokens,
            reports_one_of=completion
            if engine.dialect.counts_one_choice and completion.choices > 1
            else None,
        )
        attempt = engine.client.post(
            self._path,
            sent.body,
            [("content-type", "application/json"), ("x-request-id", self._id)],
            self._relay,
            sends_max=self._attempts.sends_left,
        )
        self._attempts.begin(attempt)

    @guarded
    def refused(self, refusal: Refusal) -> None:
        self._phase = Phase.READING  # the scheduler has forgotten it
        self._refuse(
            Refused(refusal.outcome, refusal.message, retry_after_ms=refusal.retry_after_ms)
        )

    def crashed(self, error: Exception) -> None:
        self._gateway.report_crash(self._id, error)
        message = "The gateway failed on this request. Tell its operator."
        try:
            self._break_off(Outcome.INTERNAL_ERROR, message)
        except Exception as again:  # noqa: BLE001 - there must be an ending, with or without words
            self._gateway.report_crash(self._id, again)
            self._give_up()

    @guarded
    def stop(self) -> None:
        """The gateway is out of time to let this call end by itself."""
        self._break_off(Outcome.SHUTTING_DOWN, "The gateway is shutting down. Try again.")

    # The relay's side.

    def passes(self, data: bytes) -> None:
        self._answer.stream(data)

    def produced(self, output_tokens: int) -> None:
        new = output_tokens - self._charged_tokens
        if new:
            self._charged_tokens = output_tokens
            self._dispatcher.produced(self._id, new)
            self._record.tokens_came(new, self._gateway.now_s())

    def completed_stream(self, usage: Usage) -> None:
        if self._phase is not Phase.RUNNING:
            return  # the last piece has cut a client that was too slow for it
        if not self._answer.is_streaming:
            self._answer.stream(b"")
        self._answer.finish()
        self._end(Outcome.COMPLETED, usage)

    def completed_whole(self, body: bytes, usage: Usage) -> None:
        self._answer.send(200, body)
        self._end(Outcome.COMPLETED, usage)

    def refused_by_engine(self, status: int, body: bytes) -> None:
        self._attempts.abort()  # its refusal may be the beginning of a stream
        self._answer.send(status, body, ("x-should-retry", "false"))
        self._end(Outcome.REFUSED_BY_ENGINE, status=status)

    def failed(self, outcome: Outcome, message: str, fault: Fault) -> None:
        if self._phase is not Phase.RUNNING:
            return  # as for a completed stream
        assert self._link is not None
        if not self._attempts.give_up():
            # Whatever stood in the way, a timeout too: no engine has seen it.
            outcome, fault = Outcome.ENGINE_FAILED, Fault.UNREACHABLE
            message = "The engine cannot be reached. Try again later."
        self._gateway.engine_failed_on(self._id, self._link.name, message)
        if fault is Fault.UNREACHABLE:
            self._link.report_unreachable()
        may_retry = (
            fault is not Fault.FINAL
            and not self._answer.is_streaming
            and self._attempts.sends_left
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
        admitted = admit(body, identity, self._gateway.models, limits)
        if isinstance(admitted, Refused):
            return admitted
        open_max = identity.open_requests_max
        if open_max is not None and self._holder.open_requests > open_max:
            message = f"This key has {open_max} requests open, its limit. Wait for one to end."
            scheduler = self._dispatcher.scheduler
            wait_ms = scheduler.retry_after_ms(identity.tenant, self._dispatcher.now_ms())
            return Refused(Outcome.KEY_LIMIT, message, retry_after_ms=wait_ms)
        return admitted

    def _refuse(self, refused: Refused) -> None:
        """End a call that was not dispatched."""
        self._answer.refuse(refused)
        self._end(refused.outcome)

    def _fail(self, outcome: Outcome, message: str) -> None:
        """End a call that was dispatched: in the stream if it has begun, else by a status."""
        if self._is_told_all():
            self.completed_stream(self._used())
            return
        is_charged = self._answer.is_streaming or outcome in _WORKED_ON
        usage = self._used() if is_charged else None
        if self._answer.is_streaming:
            self._answer.break_off(outcome, message)
        else:
            self._answer.refuse(Refused(outcome, message))
        if self._phase is Phase.RUNNING:  # the last words may have cut a client too slow for them
            self._end(outcome, usage)

    def _break_off(self, outcome: Outcome, message: str) -> None:
        """End it from whatever phase it is in."""
        if self._phase is Phase.QUEUED:
            self._dispatcher.cancel(self._id)
            self._phase = Phase.READING
        if self._phase is Phase.READING:
            self._refuse(Refused(outcome, message))
        elif self._phase is Phase.RUNNING:
            self._attempts.abort()
            self._fail(outcome, message)

    def _give_up(self) -> None:
        """Not even an ending could be told: cut both sides, and free the slot."""
        if self._phase is not Phase.ENDED:
            self._attempts.abort()
            self._answer.abort()
            self._end(Outcome.INTERNAL_ERROR)

    def _is_told_all(self) -> bool:
        """The client has `[DONE]`: whatever becomes of the connections, nothing is missing."""
        return self._relay is not None and self._relay.is_stream_done

    def _used(self) -> Usage:
        """What a running call has used so far."""
        expected = self._dispatcher.scheduler.expected_usage(self._id)
        return expected if self._relay is None else self._relay.usage_so_far(expected)

    def _end(
        self, outcome: Outcome, usage: Usage | None = None, *, status: int | None = None
    ) -> None:
        """The one ending. `usage` None: no work was done for it."""
        assert self._phase is not Phase.ENDED, "a request ends once"
        was_running = self._phase is Phase.RUNNING
        self._phase = Phase.ENDED
        self._relay = (
            None  # it refers back: left so, each call would wait for the garbage collector
        )
        self._gateway.calls.discard(self)
        self._holder.open_requests -= 1
        usage = usage or NO_USAGE
        units = 0
        if was_running:
            units = self._dispatcher.settle(self._id, usage, outcome).units
        self._record.ended(
            outcome,
            usage,
            units=units,
            status=status or (200 if self._answer.is_streaming else ENDINGS[outcome].status),
            dispatches=self._attempts.sends,
            now_s=self._gateway.now_s(),
        )
        self._gateway.ended(self._record)
