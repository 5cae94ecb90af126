"""The gateway's application: routes, identity, and everything that calls share."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from evenhand.engines.tokenizer import PromptTokens, Tokenizing
from evenhand.gateway.apis import APIS, COUNTING, errors_at
from evenhand.gateway.bookkeeping import Bookkeeper, NoBookkeeping
from evenhand.gateway.cache_salt import CacheSalts
from evenhand.gateway.call import Call
from evenhand.gateway.call_record import CallRecord
from evenhand.gateway.dispatcher import Dispatcher
from evenhand.gateway.fresh_ids import FreshIds
from evenhand.gateway.http.contract import Handler, RequestHead, Response
from evenhand.gateway.identity import KeyHolder, KeyRing
from evenhand.gateway.models_list import ModelsList, models_body
from evenhand.gateway.recent_calls import RecentCalls
from evenhand.gateway.response_homes import ResponseHomes
from evenhand.gateway.retry_budget import RetryBudget
from evenhand.gateway.served import Served
from evenhand.gateway.settings import CallLimits
from evenhand.gateway.shadow_host import ShadowHost
from evenhand.gateway.token_count import TokenCount
from evenhand.model import EngineName, InteractionId, ModelName, Outcome, RequestId
from evenhand.telemetry import Metrics, RequestLog, TrafficLog
from evenhand.telemetry.monitor import TELLING_HEADERS, Monitor, forges, resends
from evenhand.telemetry.traces import Traces
from evenhand.wire.api_name import ApiName
from evenhand.wire.completion import Completion
from evenhand.wire.error import error_headers

_MODELS = "/v1/models"
_INTERACTION = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_CALLS = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observers:
    """Where endings are told. `shadow` is there in `mode: observe` only, `traffic` and `traces` where
    asked for. Whoever asks `monitor` looks at it once a second."""

    metrics: Metrics
    log: RequestLog
    shadow: ShadowHost | None = None
    monitor: Monitor = field(default_factory=Monitor)
    traffic: TrafficLog | None = None
    traces: Traces | None = None


class Gateway:
    """Serves the APIs of clients to the edge (see `Application`)."""

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
        aliases: Mapping[ModelName, ModelName] | None = None,
    ) -> None:
        self.keys = keys
        self.dispatcher = dispatcher
        self.limits = limits
        self.bookkeeping: Bookkeeper | NoBookkeeping = bookkeeping or NoBookkeeping()
        self.salts = CacheSalts(keys)
        self.homes = ResponseHomes()
        self.served = Served(
            frozenset(model for link in dispatcher.engines.values() for model in link.models),
            aliases or {},
        )
        # Every call that is not ended; bounded by the edge's connections.
        self.calls: set[Call] = set()
        # Bounded by the same.
        self.counts: set[TokenCount] = set()
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
        self._traces = observers.traces
        self._log = observers.log
        self._ids = FreshIds()
        self._loop = loop

    def request(self, head: RequestHead, response: Response) -> Handler | None:
        """Identity first: nothing of a body is read for somebody who has no key."""
        request_id = RequestId("req_" + self._ids.take())
        path, headers = head.path, head.headers
        api = APIS.get(path)
        holder = self.keys.holder(_authorization(headers))
        interaction, calls = headers.get("x-evenhand-interaction"), None
        if head.method != "POST" or api is None or interaction is not None or holder is None:
            calls = headers.get("x-evenhand-interaction-calls")
            refusal = _route_refusal(head) or _caller_refusal(holder, interaction, calls)
            if refusal is not None and refusal.outcome is Outcome.UNAUTHENTICATED:
                refusal = self._token_refusal(_authorization(headers)) or refusal
            if refusal is not None:
                self._refuse(response, request_id, refusal, path)
                return None
            assert holder is not None
            if api is None:
                return self._beside(path, holder, response, request_id)
        if not TELLING_HEADERS.isdisjoint(headers):
            self._note_signs(headers, holder)
        own = InteractionId(interaction or "int_" + self._ids.take())
        call = Call(self, holder, response, api=api, request_id=request_id, interaction=own)
        if self._traces is not None:
            call.record.trace = self._traces.begin(headers.get("traceparent"))
        if interaction is None:
            call.interaction_is_new = True
        if calls is not None:
            call.calls_declared = int(calls)
        return call

    def _note_signs(self, headers: Mapping[str, str], holder: KeyHolder) -> None:
        tenant, application = holder.identity.tenant, holder.identity.application
        if forges(headers):
            self.monitor.forged(tenant, application)
        if resends(headers):
            self.monitor.resent(tenant, application)

    def _beside(
        self, path: str, holder: KeyHolder, response: Response, request_id: RequestId
    ) -> Handler:
        """Who answers what no model computes anything for."""
        if path == COUNTING.path:
            interaction = InteractionId("int_" + self._ids.take())
            return TokenCount(self, holder, response, request_id, interaction)
        return ModelsList(response, models_body(self.served, holder.identity), request_id)

    def reads_tokens(self, completion: Completion) -> bool:
        """Whether its prompt is compared by token ids."""
        tokenizing = self._tokenizing
        return (
            tokenizing is not None
            and self.reads_prefix
            and completion.prompts == 1
            and completion.api is ApiName.COMPLETIONS
            and tokenizing.reads(completion.model)
        )

    def tokenise(
        self, model: ModelName, body: bytes, done: Callable[[PromptTokens | None], None]
    ) -> None:
        """Where `reads_tokens` says so. `done` may be called before this returns."""
        assert self._tokenizing is not None
        self._tokenizing.begin(model, body, done)

    def rename(self, aliases: Mapping[ModelName, ModelName]) -> None:
        """From here on models have these other names, and no more."""
        self.served = Served(self.served.models, aliases)

    def ended(self, record: CallRecord) -> None:
        """A call has ended: count it and log it."""
        ended = record.finished()
        self.metrics.record(ended)
        self.monitor.ended(ended)
        self.recent.ended(ended, record.error)
        self._log.request(ended)
        if self._traces is not None and record.trace is not None:
            self._traces.ended(ended, record.trace, record.sent_ms)

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
        for count in list(self.counts):
            count.stop()
        return len(open_calls)

    def _refuse(
        self, response: Response, request_id: RequestId, refusal: "_Refusal", path: str
    ) -> None:
        errors, outcome = errors_at(path), refusal.outcome
        headers = [*error_headers(outcome), *errors.ids(request_id), *refusal.headers]
        body = errors.body(outcome, refusal.message, None, request_id)
        response.send(errors.status(outcome), headers, body)
        self.metrics.refused(refusal.outcome)
        self._log.event("refused", request_id=request_id, outcome=refusal.outcome)

    def _token_refusal(self, authorization: str | None) -> "_Refusal | None":
        """What to say to somebody whose token opens nothing; None: it was none."""
        complaint = self.keys.complaint(authorization)
        return None if complaint is None else _Refusal(*complaint)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A refusal that needs no body."""

    outcome: Outcome
    message: str
    headers: tuple[tuple[str, str], ...] = ()


def _authorization(headers: Mapping[str, str]) -> str | None:
    """What says who calls. Anthropic's clients send their key in a header of its own."""
    authorization = headers.get("authorization")
    if authorization is None and "x-api-key" in headers:
        return f"Bearer {headers['x-api-key']}"
    return authorization


def _route_refusal(head: RequestHead) -> _Refusal | None:
    if head.path not in APIS and head.path not in (_MODELS, COUNTING.path):
        known = ", ".join(sorted({*APIS, _MODELS, COUNTING.path}))
        # Not repeated: people paste keys into URLs.
        return _Refusal(Outcome.NOT_FOUND, f"There is no such path here. Use one of {known}.")
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
            "No valid API key was sent. Send the header Authorization: Bearer YOUR_KEY, or "
            "x-api-key: YOUR_KEY, with a key that the operator of this gateway gave you."
        )
        return _Refusal(Outcome.UNAUTHENTICATED, message)
    if interaction is not None and not _INTERACTION.fullmatch(interaction):
        message = "X-Evenhand-Interaction must be 1 to 128 letters, digits, '.', '_', ':' or '-'."
        return _Refusal(Outcome.BAD_REQUEST, message)
    if calls is not None and not _CALLS.fullmatch(calls):
        message = "X-Evenhand-Interaction-Calls must be a number from 1 to 999999."
        return _Refusal(Outcome.BAD_REQUEST, message)
    return None
