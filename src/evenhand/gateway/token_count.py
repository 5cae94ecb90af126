"""`POST /v1/messages/count_tokens`: an engine is asked how long a prompt is.

No model computes anything for it. So it waits for no slot, costs no share and no money; it counts among
the key's open requests, and only so many go on at a time.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import orjson

from evenhand.engines.http import Attempt, Lost
from evenhand.gateway.admission import Admitted, Refused
from evenhand.gateway.apis import COUNTING
from evenhand.gateway.call_record import CallRecord
from evenhand.gateway.client_answer import ClientAnswer
from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.entrance import let_in
from evenhand.gateway.guarded import guarded
from evenhand.gateway.http.contract import Response
from evenhand.gateway.identity import KeyHolder
from evenhand.gateway.whole_answer import AnswerTooLong, WholeAnswer
from evenhand.model import NO_USAGE, InteractionId, Outcome, RequestId
from evenhand.wire.dialect import Dialect, one_answer_body
from evenhand.wire.engine_error import BLAMES_GATEWAY, UNWELL

if TYPE_CHECKING:  # the gateway makes these, and they know their gateway
    from evenhand.gateway.gateway import Gateway

AT_ONCE_MAX: Final = 32
"""Counts that go on at a time; the next is refused."""
_ANSWER_BYTES_MAX: Final = 64 << 10
_FAILED: Final = "The engine did not count. Try again later."


class TokenCount:
    """Handler of the client's side, `AnswerListener` of the engine's. Ends once."""

    def __init__(
        self,
        gateway: "Gateway",
        holder: KeyHolder,
        response: Response,
        request_id: RequestId,
        interaction: InteractionId,
    ) -> None:
        self._gateway = gateway
        self._holder = holder
        self._id = request_id
        self._answer = ClientAnswer(response, request_id, interaction, COUNTING.errors)
        self._attempt: Attempt | None = None
        self._whole: WholeAnswer | None = None
        self._is_ended = False
        self._record = CallRecord(
            gateway.now_s, holder.identity, request_id, interaction, path=COUNTING.path
        )
        holder.open_requests += 1
        gateway.counts.add(self)

    # The client's side.

    @guarded
    def body(self, body: bytes) -> None:
        self._record.bytes_in = len(body)
        gateway = self._gateway
        admitted = let_in(gateway, self._holder, COUNTING, body)
        link = admitted if isinstance(admitted, Refused) else _free_link(gateway, admitted)
        if isinstance(link, Refused):
            self._refuse(link)
            return
        assert isinstance(admitted, Admitted)
        completion = admitted.completion
        self._record.asked(completion, gateway.metrics)
        self._record.started(link.name, 0)
        # Nothing but the prompt matters to a count, so nothing is put in.
        sent = one_answer_body(admitted.members, completion, Dialect(), cache_salt=None)
        headers = [("content-type", "application/json"), ("x-request-id", self._id)]
        self._attempt = link.client.post(COUNTING.path, sent.body, headers, self)

    def gone(self, why: Outcome | None) -> None:
        """Hang up behind it, at once."""
        self._end(why or Outcome.CANCELLED_RUNNING)

    def client_slow(self) -> None:
        """The answer is a number."""

    def client_ready(self) -> None:
        """The answer is a number."""

    def stop(self) -> None:
        """The gateway is out of time."""
        self._fail(Outcome.SHUTTING_DOWN, "The gateway is shutting down. Try again.")

    def crashed(self, error: Exception) -> None:
        self._gateway.report_crash(self._id, error)
        self._fail(Outcome.INTERNAL_ERROR, "The gateway failed on this request. Tell its operator.")

    # The engine's side.

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        del headers
        self._whole = WholeAnswer(status, answer_bytes_max=_ANSWER_BYTES_MAX)

    @guarded
    def on_body(self, data: bytes) -> None:
        try:
            if self._whole is not None:
                self._whole.feed(data)
        except AnswerTooLong:
            self._fail(Outcome.ANSWER_TOO_LARGE, _FAILED)

    @guarded
    def on_end(self) -> None:
        whole = self._whole
        assert whole is not None, "an answer ends after its head"
        document, status = whole.document(), whole.status
        tokens = None if document is None else document.get("input_tokens")
        if status == 200 and type(tokens) is int:
            self._answer.send(200, orjson.dumps({"input_tokens": tokens}))
            self._end(Outcome.COMPLETED)
        elif status in BLAMES_GATEWAY:
            message = "The engine does not count tokens: the usage of an answer tells them."
            self._fail(Outcome.ENGINE_REJECTED, message)
        elif 400 <= status < 500 and status not in UNWELL:
            self._answer.refuse_for_engine(status, whole.refusal())
            self._end(Outcome.REFUSED_BY_ENGINE, status)
        else:
            self._fail(Outcome.ENGINE_FAILED, _FAILED)

    @guarded
    def on_lost(self, reason: Lost) -> None:
        is_late = reason is Lost.TIMED_OUT
        self._fail(Outcome.ENGINE_TIMEOUT if is_late else Outcome.ENGINE_FAILED, _FAILED)

    # Endings.

    def _fail(self, outcome: Outcome, message: str) -> None:
        if not self._is_ended:
            self._refuse(Refused(outcome, message))

    def _refuse(self, refused: Refused) -> None:
        self._record.error = refused.message
        self._answer.refuse(refused)
        self._end(refused.outcome)

    def _end(self, outcome: Outcome, status: int | None = None) -> None:
        if self._is_ended:
            return
        self._is_ended = True
        if self._attempt is not None:
            self._attempt.abort()
            self._attempt = None
        self._gateway.counts.discard(self)
        self._holder.open_requests -= 1
        self._record.ended(
            outcome,
            NO_USAGE,
            units=0,
            status=status or self._answer.status(outcome),
            dispatches=0,  # of work there was none
            now_s=self._gateway.now_s(),
        )
        self._gateway.ended(self._record)


def _free_link(gateway: "Gateway", admitted: Admitted) -> EngineLink | Refused:
    """The engine with the least to do, of those that are up."""
    if len(gateway.counts) > AT_ONCE_MAX:
        message = "Too many prompts are being counted at the moment. Try again."
        return Refused(Outcome.QUEUE_FULL, message, retry_after_ms=1_000)
    model, engines = admitted.completion.model, admitted.engines
    links = [
        link
        for name, link in gateway.dispatcher.engines.items()
        if link.allowance(0).window and model in link.models and (not engines or name in engines)
    ]
    if not links:
        message = f"No engine that serves {model} is up. Try again later."
        return Refused(Outcome.NO_ENGINE, message, retry_after_ms=5_000)
    states = gateway.dispatcher.scheduler.capacity.engines
    return min(links, key=lambda link: (states[link.name].in_flight, link.name))
