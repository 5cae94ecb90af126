"""One call, from its body to its one ending. The life of a request is read here.

    READING --body--> QUEUED --turn--> RUNNING --answer--> ENDED
                        ^                 |
                        +--engine failed--+   (once, and only before the first byte)

Whatever happens, `_settle` runs exactly once: it settles in the scheduler and in the ledger and frees
the slot; then `_end` counts and logs. Under a hard budget two more phases wait for the disk: HOLDING
before the queue, RECORDING before the last byte.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from evenhand.engines.circuit import Sent, Verdict
from evenhand.engines.tokenizer import PromptTokens
from evenhand.gateway.admission import Admitted, Refused, scheduler_request
from evenhand.gateway.apis import Api
from evenhand.gateway.at_home import at_home
from evenhand.gateway.attempts import Attempts
from evenhand.gateway.booking import Booking
from evenhand.gateway.call_phase import NOT_SUBMITTED, Phase
from evenhand.gateway.call_record import CallRecord
from evenhand.gateway.client_answer import ClientAnswer
from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.engine_stay import EngineStay
from evenhand.gateway.entrance import let_in
from evenhand.gateway.errand import errand
from evenhand.gateway.guarded import guarded
from evenhand.gateway.http.contract import Response
from evenhand.gateway.identity import KeyHolder
from evenhand.gateway.relay import Fault, Relay
from evenhand.model import (
    NO_USAGE,
    EngineName,
    InteractionId,
    Outcome,
    Request,
    RequestId,
    Usage,
)
from evenhand.scheduling import Refusal
from evenhand.telemetry import TrafficLog
from evenhand.wire.prefix_text import prefix_text

if TYPE_CHECKING:  # the gateway makes calls, and calls know their gateway
    from evenhand.gateway.gateway import Gateway

_WORKED_ON = frozenset({Outcome.ENGINE_TIMEOUT, Outcome.ANSWER_TOO_LARGE})
"""Failures of answers that an engine was at work on. They are charged, or asking for what takes too
long would be a way to be served for nothing."""


class Call:
    """Handler of the client's side, `Dispatched` to the dispatcher, `Relayed` to its relay."""

    def __init__(
        self,
        gateway: "Gateway",
        holder: KeyHolder,
        response: Response,
        *,
        api: Api,
        request_id: RequestId,
        interaction: InteractionId,
    ) -> None:
        self._gateway = gateway
        self._dispatcher = gateway.dispatcher
        self._holder = holder
        self._answer = ClientAnswer(response, request_id, interaction, api.errors)
        self._api = api
        self._id = request_id
        self._interaction = interaction
        self.interaction_is_new = False
        """Its id was made for this call: the client named none."""
        self.calls_declared: int | None = None
        """How many calls the client says its interaction has."""
        self._phase = Phase.READING
        self._admitted: Admitted | None = None
        self._booking: Booking | None = None
        self._last_piece = b""
        self._usage = NO_USAGE
        self._units = 0
        self._is_settled = False
        self._stay: EngineStay | None = None
        self._attempts = Attempts()
        self._relay: Relay | None = None
        self._charged_tokens = 0
        self._record = CallRecord(
            gateway.now_s, holder.identity, request_id, interaction, path=api.path
        )
        holder.open_requests += 1
        gateway.calls.add(self)

    @property
    def id(self) -> RequestId:
        return self._id

    @property
    def phase(self) -> str:
        """In lower case, for the admin's eyes."""
        return self._phase.name.lower()

    @property
    def holder(self) -> KeyHolder:
        """Of its key."""
        return self._holder

    @property
    def record(self) -> CallRecord:
        """What is noted about it so far."""
        return self._record

    @property
    def engine(self) -> EngineName | None:
        """Where it runs, or has run last."""
        return None if self._stay is None else self._stay.link.name

    # The client's side.

    @guarded
    def body(self, body: bytes) -> None:
        self._record.bytes_in = len(body)
        admitted = let_in(self._gateway, self._holder, self._api, body)
        if isinstance(admitted, Refused):
            self._refuse(admitted)
            return
        self._admitted = admitted
        gateway, completion = self._gateway, admitted.completion
        self._record.asked(completion, gateway.metrics)
        if gateway.reads_tokens(completion):
            self._phase = Phase.TOKENISING
            gateway.tokenise(completion.model, body, self._ask)
        else:
            self._ask(None)

    @guarded
    def _ask(self, tokens: PromptTokens | None) -> None:
        gateway, identity, admitted = self._gateway, self._holder.identity, self._admitted
        if self._phase not in NOT_SUBMITTED or admitted is None:
            return  # it has ended while it was tokenised
        request = scheduler_request(
            admitted,
            identity,
            request_id=self._id,
            interaction=self._interaction,
            interaction_is_new=self.interaction_is_new,
            calls_declared=self.calls_declared,
            reads_prefix=gateway.reads_prefix,
            tokens=tokens,
        )
        booking = gateway.bookkeeping.open(identity, request, self._used)
        if isinstance(booking, Refused):
            self._refuse(booking)
            return
        self._booking = booking
        if booking.is_over_budget:
            self._record.over_budget(request.lane)
            self._answer.tell_over_budget()
        if not booking.is_hard:
            self._queue(request)
            return
        self._phase = Phase.HOLDING
        booking.recorded(lambda is_on_disk: self._held(request, is_on_disk=is_on_disk))

    @guarded
    def _held(self, request: Request, *, is_on_disk: bool) -> None:
        """Its hold is on disk, so that no crash can make room for another in its place."""
        if self._phase is not Phase.HOLDING:
            return  # it has ended meanwhile
        if is_on_disk:
            self._queue(request)
            return
        self._phase = Phase.READING
        message = "The usage ledger cannot be written at the moment. Try again later."
        self._refuse(Refused(Outcome.LEDGER_CLOSED, message, retry_after_ms=2_000))

    def _queue(self, request: Request) -> None:
        self._phase = Phase.QUEUED
        identity, keeps_lane = self._holder.identity, self._record.is_over_budget
        self._dispatcher.submit(self, at_home(request, identity, keeps_lane=keeps_lane))

    @guarded
    def gone(self, why: Outcome | None) -> None:
        """Hang up behind it, at once: that is how the engine learns to stop. `why` is set where the
        edge itself has ended the request."""
        if self._phase is Phase.QUEUED:
            self._dispatcher.cancel(self._id)
            self._phase = Phase.READING
        if self._phase in NOT_SUBMITTED:
            self._end(why or Outcome.CANCELLED_QUEUED)
        elif self._phase is Phase.RUNNING:
            self._attempts.abort()
            outcome = why or Outcome.CANCELLED_RUNNING
            usage = self._used() if self._attempts.sends else None
            self._end(Outcome.COMPLETED if self._is_told_all() else outcome, usage)
        elif self._phase is Phase.RECORDING:
            self._conclude(why or Outcome.CANCELLED_RUNNING)

    def client_slow(self) -> None:
        self._attempts.pause()

    def client_ready(self) -> None:
        self._attempts.resume()

    # The dispatcher's side.

    def start(self, engine: EngineLink, waited_ms: int) -> None:
        assert self._phase is Phase.QUEUED
        assert self._admitted is not None
        self._phase = Phase.RUNNING
        self._record.started(engine.name, waited_ms)
        if self._stay is None:
            self._gateway.retries.earn()
        identity, completion = self._holder.identity, self._admitted.completion
        sent_as = Sent(self._id, identity.tenant, completion.model)
        allowances, now_s = self._dispatcher.allowances, self._gateway.now_s()
        self._stay = stay = EngineStay(allowances, engine, sent_as, now_s)
        input_tokens = self._dispatcher.scheduler.expected_input_tokens(self._id)
        body, self._relay = errand(
            self._gateway,
            self,
            self._api,
            self._admitted,
            identity=identity,
            stay=stay,
            input_tokens=input_tokens,
        )
        attempt = engine.client.post(
            self._api.path,
            body,
            self._record.engine_headers(),
            self._relay,
            sends_max=self._attempts.sends_left,
        )
        stay.begun(identity, completion, input_tokens)
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

    def passes_last(self, data: bytes) -> None:
        if self._booked().is_hard:
            self._last_piece = data
        else:
            self._answer.stream(data)

    def prompt_counted(self, input_tokens: int, cached_tokens: int | None) -> None:
        self._dispatcher.prompt_counted(self._id, input_tokens, cached_tokens)

    def produced(self, output_tokens: int) -> None:
        new = output_tokens - self._charged_tokens
        if new:
            stay, booking, now_s = self._stay, self._booking, self._gateway.now_s()
            assert stay is not None
            assert booking is not None, "what runs is booked"
            stay.produced(now_s, output_tokens)
            self._charged_tokens = output_tokens
            self._dispatcher.produced(self._id, new)
            booking.produced(output_tokens)
            self._record.tokens_came(new, now_s)

    def completed_stream(self, usage: Usage) -> None:
        if self._phase is not Phase.RUNNING:
            return  # the last piece has cut a client that was too slow for it
        self._complete(usage, self._finish_stream)

    def completed_whole(self, body: bytes, usage: Usage) -> None:
        self._complete(usage, lambda: self._answer.send(200, body))

    def refused_by_engine(self, status: int, body: bytes) -> None:
        self._attempts.abort()  # its refusal may be the beginning of a stream
        self._answer.refuse_for_engine(status, body)
        self._end(Outcome.REFUSED_BY_ENGINE, status=status)

    def failed(self, outcome: Outcome, message: str, fault: Fault) -> None:
        if self._phase is not Phase.RUNNING:
            return  # as for a completed stream
        stay, relay = self._stay, self._relay
        assert stay is not None
        assert relay is not None
        sends = self._attempts.give_up()
        stay.was_sent = bool(sends)
        if not sends:
            # Whatever stood in the way, a timeout too: no engine has seen it.
            outcome, fault = Outcome.ENGINE_FAILED, Fault.UNREACHABLE
            message = "The engine cannot be reached. Try again later."
        self._gateway.engine_failed_on(self._id, stay.link.name, message)
        stay.failed(outcome, fault, relay.pause_ms)
        may_retry = (
            fault is not Fault.FINAL
            and not self._answer.is_streaming
            and self._attempts.sends_left
            and not self._charged_tokens
            and (not sends or self._gateway.may_retry())
        )
        if may_retry and self._dispatcher.try_again_elsewhere(stay.link, stay.sent, stay.verdict):
            if sends:  # else no engine has seen it
                self._gateway.retries.spend()
            stay.ended(None, None)
            self._phase = Phase.QUEUED
            self._relay = None
            return
        self._fail(outcome, message)

    # Endings.

    def _complete(self, usage: Usage, tell: Callable[[], None]) -> None:
        """The answer is whole: `tell` writes what is left of it. Under a hard budget the settlement is
        on disk before the client has the last byte."""
        booking = self._booked()
        if not booking.is_hard:
            tell()
            self._end(Outcome.COMPLETED, usage)
            return
        self._settle(Outcome.COMPLETED, usage)
        self._phase = Phase.RECORDING
        booking.recorded(lambda is_on_disk: self._recorded(tell, is_on_disk=is_on_disk))

    @guarded
    def _recorded(self, tell: Callable[[], None], *, is_on_disk: bool) -> None:
        if self._phase is not Phase.RECORDING:
            return  # it has ended meanwhile
        if is_on_disk:
            tell()
            self._conclude(Outcome.COMPLETED)
            return
        message = (
            "The answer was made and is charged, but the usage ledger cannot be written at the moment. "
            "Tell the operator of this gateway."
        )
        self._say(Outcome.NOT_RECORDED, message)
        self._conclude(Outcome.NOT_RECORDED)

    def _finish_stream(self) -> None:
        if self._last_piece or not self._answer.is_streaming:
            self._answer.stream(self._last_piece)
        self._answer.finish()

    def _refuse(self, refused: Refused) -> None:
        """End a call that was not dispatched."""
        self._record.error = refused.message
        self._answer.refuse(refused)
        self._end(refused.outcome)

    def _fail(self, outcome: Outcome, message: str) -> None:
        """End a call that was dispatched: in the stream if it has begun, else by a status."""
        if self._relay is not None and self._relay.is_stream_done:
            self.completed_stream(self._used())
            return
        is_charged = self._answer.is_streaming or outcome in _WORKED_ON
        usage = self._used() if is_charged else None
        self._say(outcome, message)
        if self._phase is Phase.RUNNING:  # the last words may have cut a client too slow for them
            self._end(outcome, usage)

    def _say(self, outcome: Outcome, message: str) -> None:
        """Tell the client of an error, in the stream if it has begun."""
        self._record.error = message
        if self._answer.is_streaming:
            self._answer.break_off(outcome, message)
        else:
            self._answer.refuse(Refused(outcome, message))

    def _break_off(self, outcome: Outcome, message: str) -> None:
        """End it from whatever phase it is in."""
        if self._phase is Phase.QUEUED:
            self._dispatcher.cancel(self._id)
            self._phase = Phase.READING
        if self._phase in NOT_SUBMITTED:
            self._refuse(Refused(outcome, message))
        elif self._phase is Phase.RUNNING:
            self._attempts.abort()
            self._fail(outcome, message)
        elif self._phase is Phase.RECORDING:
            self._say(outcome, message)
            self._conclude(outcome)

    def _give_up(self) -> None:
        """Not even an ending could be told: cut both sides, and free the slot."""
        if self._phase is not Phase.ENDED:
            self._attempts.abort()
            self._answer.abort()
            if not self._is_settled:
                self._settle(Outcome.INTERNAL_ERROR, None)
            self._conclude(Outcome.INTERNAL_ERROR)

    def _is_told_all(self) -> bool:
        """The client has the last event: whatever becomes of the connections, nothing is missing."""
        is_done = self._relay is not None and self._relay.is_stream_done
        return is_done and not self._last_piece

    def _used(self) -> Usage:
        """What a running call has used so far."""
        expected = self._dispatcher.scheduler.expected_usage(self._id)
        return expected if self._relay is None else self._relay.usage_so_far(expected)

    def _is_given_up(self) -> bool:
        """Whether the engine may go on with it: it was sent, and no end of it was seen."""
        return bool(self._relay is not None and not self._relay.is_over and self._attempts.sends)

    def _booked(self) -> Booking:
        assert self._booking is not None, "no call is queued without a booking"
        return self._booking

    def _end(
        self, outcome: Outcome, usage: Usage | None = None, *, status: int | None = None
    ) -> None:
        """The one ending. `usage` None: no work was done for it."""
        self._settle(outcome, usage)
        self._conclude(outcome, status)

    def _settle(self, outcome: Outcome, usage: Usage | None) -> None:
        """Free the slot, and make what was used final in the scheduler and in the ledger. Once."""
        assert not self._is_settled, "a request is settled once"
        self._is_settled = True
        was_running = self._phase is Phase.RUNNING
        self._phase = Phase.READING  # to be concluded
        self._usage = usage or NO_USAGE
        booking = self._booking
        if was_running:
            stay, is_given_up = self._stay, self._is_given_up()
            assert stay is not None
            stay.ended(usage, outcome)
            worth = self._usage if outcome is Outcome.COMPLETED else self._worth(usage)
            verdict = Verdict.SERVED if outcome is Outcome.COMPLETED else stay.verdict
            self._units = self._dispatcher.settle(
                self._id, worth, outcome, verdict=verdict, is_given_up=is_given_up
            ).units
            if usage is not None and booking is not None:
                booking.settle(usage, outcome, stay.link.name, self._units)
                stay.bill(booking)
                return
        if booking is not None:
            booking.void(outcome)

    def _worth(self, usage: Usage | None) -> Usage:
        """What an answer that broke off counts for in the shares. One that is not streamed kept an
        engine busy, nobody knows for how long, so what was expected of it counts; the ledger has only
        what is known."""
        is_known = self._relay is None or self._relay.is_counted
        if usage is not None and not is_known:
            return self._dispatcher.scheduler.expected_usage(self._id)
        return self._usage

    def _conclude(self, outcome: Outcome, status: int | None = None) -> None:
        """Nothing of it is left: count it and log it. Once, after `_settle`."""
        assert self._phase is not Phase.ENDED, "a request ends once"
        assert self._is_settled
        self._phase = Phase.ENDED
        # Both refer back: left so, each call would wait for the garbage collector.
        self._relay = self._booking = None
        self._gateway.calls.discard(self)
        self._holder.open_requests -= 1
        self._record.ended(
            outcome,
            self._usage,
            units=self._units,
            status=status or self._answer.status(outcome),
            dispatches=self._attempts.sends,
            now_s=self._gateway.now_s(),
        )
        self._gateway.ended(self._record)
        traffic = self._gateway.traffic
        if traffic is not None and self._admitted is not None and self._usage.output_tokens:
            self._log_traffic(traffic, self._admitted)

    def _log_traffic(self, traffic: TrafficLog, admitted: Admitted) -> None:
        traffic.ended(
            self._record.finished(),
            end_s=self._gateway.now_s(),
            prompt=prefix_text(admitted.completion.model, admitted.members),
            trust_domain=self._holder.identity.trust_domain,
            is_of_interaction=not self.interaction_is_new,
            calls_declared=self.calls_declared,
        )
