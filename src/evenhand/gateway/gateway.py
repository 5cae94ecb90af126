"""The gateway's application: routes, identity, and everything that calls share."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson

from evenhand.engines.tokenizer import PromptTokens, Tokenizing
from evenhand.gateway.admission import READERS
from evenhand.gateway.bookkeeping import Bookkeeper, NoBookkeeping
from evenhand.gateway.cache_salt import CacheSalts
from evenhand.gateway.call import Call
from evenhand.gateway.call_record import CallRecord
from evenhand.gateway.dispatcher import Dispatcher
from evenhand.gateway.fresh_ids import FreshIds
from evenhand.gateway.http.contract import Handler, RequestHead, Response
from evenhand.gateway.identity import KeyHolder, KeyRing
from evenhand.gateway.models_list import ModelsList
from evenhand.gateway.recent_calls import RecentCalls
from evenhand.gateway.retry_budget import RetryBudget
from evenhand.gateway.settings import CallLimits
from evenhand.gateway.shadow_host import ShadowHost
from evenhand.model import ENDINGS, EngineName, InteractionId, ModelName, Outcome, RequestId
from evenhand.telemetry import Metrics, RequestLog, TrafficLog
from evenhand.telemetry.monitor import Monitor, forges, resends
from evenhand.wire.completion import Completion
from evenhand.wire.error import error_body, error_headers

_MODELS = "/v1/models"
_INTERACTION = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_CALLS = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observers:
    """Where endings are told. `shadow` is there in `mode: observe` only, `traffic` where asked for.
    Whoever asks `monitor` looks at it once a second."""

    metrics: Metrics
    log: RequestLog
    shadow: ShadowHost | None = None
    monitor: Monitor = field(default_factory=Monitor)
    traffic: TrafficLog | None = None


class Gateway:
    """Serves the OpenAI API to the edge (see `Application`)."""

    def __init__(
        self,
        *,
        keys: KeyRing,
        dispatcher: Dispatcher,
        limits: CallLimits,
        observers: Observers,
        loop: asyncio.AbstractEventLoop,
        bookkeeping: Bookkeeper | None = None,
        tokenizing: Tokenizing | None = None,
    ) -> None:
        self.keys = keys
        self.dispatcher = dispatcher
        self.limits = limits
        self.bookkeeping: Bookkeeper | NoBookkeeping = bookkeeping or NoBookkeeping()
        self.salts = CacheSalts(keys)
        self.models: frozenset[ModelName] = frozenset(
            model for link in dispatcher.engines.values() for model in link.models
        )
        # Every call that is not ended; bounded by the edge's connections.
        self.calls: set[Call] = set()
        self.recent = RecentCalls()
        self.retries = RetryBudget()
        self.is_draining = False
        # Not the loop's clock: uvloop's stands still while callbacks run, and counts milliseconds.
        self.now_s: Callable[[], float] = time.monotonic
        self.metrics = observers.metrics
        self.monitor = observers.monitor
        self.shadow = observers.shadow
        self.reads_prefix = dispatcher.scheduler.settings.policy.reads_prefix or (
            observers.shadow is not None and observers.shadow.reads_prefix
        )
        """Whether requests are given the text of their prefix: somebody compares prompts."""
        self._tokenizing = tokenizing
        self.traffic = observers.traffic
        self._log = observers.log
        self._ids = FreshIds()
        self._loop = loop

    def request(self, head: RequestHead, response: Response) -> Handler | None:
        """Identity first: nothing of a body is read for somebody who has no key."""
        request_id = RequestId("req_" + self._ids.take())
        path, headers = head.path, head.headers
        holder = self.keys.holder(headers.get("authorization"))
        interaction, calls = headers.get("x-evenhand-interaction"), None
        if (
            head.method != "POST"
            or path not in READERS
            or interaction is not None
            or holder is None
        ):
            calls = headers.get("x-evenhand-interaction-calls")
            refusal = _route_refusal(head) or _caller_refusal(holder, interaction, calls)
            if refusal is not None:
                self._refuse(response, request_id, refusal)
                return None
            assert holder is not None
            if path == _MODELS:
                return ModelsList(response, self._models_body(holder), request_id)
        if forges(headers):
            self.monitor.forged(holder.identity.tenant, holder.identity.application)
        if resends(headers):
            self.monitor.resent(holder.identity.tenant, holder.identity.application)
        own = InteractionId(interaction or "int_" + self._ids.take())
        call = Call(self, holder, response, path=path, request_id=request_id, interaction=own)
        if interaction is None:
            call.interaction_is_new = True
        if calls is not None:
            call.calls_declared = int(calls)
        return call

    def reads_tokens(self, completion: Completion) -> bool:
        """Whether its prompt is compared by token ids."""
        tokenizing = self._tokenizing
        return (
            tokenizing is not None
            and self.reads_prefix
            and completion.prompts == 1
            and not completion.is_embedding
            and tokenizing.reads(completion.model)
        )

    def tokenise(
        self, model: ModelName, body: bytes, done: Callable[[PromptTokens | None], None]
    ) -> None:
        """Where `reads_tokens` says so. `done` may be called before this returns."""
        assert self._tokenizing is not None
        self._tokenizing.begin(model, body, done)

    def ended(self, record: CallRecord) -> None:
        """A call has ended: count it and log it."""
        ended = record.finished()
        self.metrics.record(ended)
        self.monitor.ended(ended)
        self.recent.ended(ended, record.error)
        self._log.request(ended)

    def refused_at_edge(self, outcome: Outcome) -> None:
        """The edge refused a request that never reached us."""
        self.metrics.refused(outcome)
        self._log.event("refused_at_edge", outcome=outcome)

    def engine_failed_on(self, request_id: RequestId, engine: EngineName, reason: str) -> None:
        """An attempt failed: say why, whatever becomes of the request."""
        self._log.event("attempt_failed", request_id=request_id, engine=engine, reason=reason)

    def may_retry(self) -> bool:
        """Whether one more request may be tried at a second engine, if there is one."""
        return len(self.dispatcher.engines) > 1 and self.retries.allows()

    def report_crash(self, request_id: RequestId, error: Exception) -> None:
        """A fault of our own: told to the loop's handler, so that it is never silent."""
        self._loop.call_exception_handler(
            {"message": f"the gateway failed on {request_id}", "exception": error}
        )

    def stop_calls(self) -> int:
        """End every call that is still open, each with an answer that says why; how many there were."""
        open_calls = list(self.calls)
        for call in open_calls:
            call.stop()
        return len(open_calls)

    def _refuse(self, response: Response, request_id: RequestId, refusal: "_Refusal") -> None:
        headers = [*error_headers(refusal.outcome), ("x-request-id", request_id), *refusal.headers]
        body = error_body(refusal.outcome, refusal.message)
        response.send(ENDINGS[refusal.outcome].status, headers, body)
        self.metrics.refused(refusal.outcome)
        self._log.event("refused", request_id=request_id, outcome=refusal.outcome)

    def _models_body(self, holder: KeyHolder) -> bytes:
        allowed = holder.identity.models
        models = sorted(self.models if allowed is None else self.models & allowed)
        listed = [
            {"id": name, "object": "model", "created": 0, "owned_by": "evenhand"} for name in models
        ]
        return orjson.dumps({"object": "list", "data": listed})


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A refusal that needs no body."""

    outcome: Outcome
    message: str
    headers: tuple[tuple[str, str], ...] = ()


def _route_refusal(head: RequestHead) -> _Refusal | None:
    if head.path not in READERS and head.path != _MODELS:
        known = ", ".join(sorted({*READERS, _MODELS}))
        return _Refusal(
            Outcome.NOT_FOUND, f"There is no {head.path[:200]} here. Use one of {known}."
        )
    allowed = ("GET", "HEAD") if head.path == _MODELS else ("POST",)
    if head.method not in allowed:
        message = f"Use {' or '.join(allowed)} for {head.path}."
        return _Refusal(Outcome.METHOD_NOT_ALLOWED, message, (("allow", ", ".join(allowed)),))
    return None


def _caller_refusal(
    holder: KeyHolder | None, interaction: str | None, calls: str | None
) -> _Refusal | None:
    if holder is None:
        message = (
            "No valid API key was sent. Send the header Authorization: Bearer YOUR_KEY, with a "
            "key that the operator of this gateway gave you."
        )
        return _Refusal(Outcome.UNAUTHENTICATED, message)
    if interaction is not None and not _INTERACTION.fullmatch(interaction):
        message = "X-Evenhand-Interaction must be 1 to 128 letters, digits, '.', '_', ':' or '-'."
        return _Refusal(Outcome.BAD_REQUEST, message)
    if calls is not None and not _CALLS.fullmatch(calls):
        message = "X-Evenhand-Interaction-Calls must be a number from 1 to 999999."
        return _Refusal(Outcome.BAD_REQUEST, message)
    return None
