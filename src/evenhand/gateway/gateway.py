"""The gateway's application: routes, identity, and everything that calls share."""

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from evenhand.gateway.cache_salt import CacheSalts
from evenhand.gateway.call import Call
from evenhand.gateway.call_record import CallRecord
from evenhand.gateway.dispatcher import Dispatcher
from evenhand.gateway.http.contract import Handler, RequestHead, Response
from evenhand.gateway.identity import KeyHolder, KeyRing
from evenhand.gateway.models_list import ModelsList
from evenhand.gateway.settings import CallLimits
from evenhand.model import ENDINGS, InteractionId, ModelName, Outcome, RequestId
from evenhand.telemetry import Metrics, RequestLog
from evenhand.wire.error import error_body, error_headers

_COMPLETIONS = frozenset({"/v1/chat/completions", "/v1/completions"})
_MODELS = "/v1/models"
_INTERACTION = re.compile(r"[A-Za-z0-9._:-]{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observers:
    """Where endings are told."""

    metrics: Metrics
    log: RequestLog


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
    ) -> None:
        self.keys = keys
        self.dispatcher = dispatcher
        self.limits = limits
        self.salts = CacheSalts(keys.trust_domains())
        self.models: frozenset[ModelName] = frozenset(
            model for link in dispatcher.engines.values() for model in link.models
        )
        # Every call that is not ended; bounded by the edge's connections.
        self.calls: set[Call] = set()
        self.is_draining = False
        self.now_s: Callable[[], float] = loop.time
        self.metrics = observers.metrics
        self._log = observers.log
        self._loop = loop

    def request(self, head: RequestHead, response: Response) -> Handler | None:
        """Identity first: nothing of a body is read for somebody who has no key."""
        request_id = RequestId(f"req_{secrets.token_hex(12)}")
        if head.path not in _COMPLETIONS and head.path != _MODELS:
            message = (
                f"There is no {head.path[:200]} here. Use /v1/chat/completions, /v1/completions "
            )
            message += "or /v1/models."
            return self._refuse(response, request_id, Outcome.NOT_FOUND, message)
        allowed = ("GET", "HEAD") if head.path == _MODELS else ("POST",)
        if head.method not in allowed:
            message = f"Use {' or '.join(allowed)} for {head.path}."
            extra = [("allow", ", ".join(allowed))]
            return self._refuse(
                response, request_id, Outcome.METHOD_NOT_ALLOWED, message, extra_headers=extra
            )
        holder = self.keys.holder(head.headers.get("authorization"))
        if holder is None:
            message = (
                "No valid API key was sent. Send the header Authorization: Bearer YOUR_KEY, with a "
                "key that the operator of this gateway gave you."
            )
            return self._refuse(response, request_id, Outcome.UNAUTHENTICATED, message)
        if head.path == _MODELS:
            return ModelsList(response, self._models_body(holder), request_id)
        named = head.headers.get("x-evenhand-interaction")
        if named is not None and not _INTERACTION.fullmatch(named):
            message = (
                "X-Evenhand-Interaction must be 1 to 128 letters, digits, '.', '_', ':' or '-'."
            )
            return self._refuse(response, request_id, Outcome.BAD_REQUEST, message)
        interaction = InteractionId(named or f"int_{secrets.token_hex(12)}")
        return Call(
            self,
            holder,
            response,
            path=head.path,
            request_id=request_id,
            interaction=interaction,
        )

    def ended(self, record: CallRecord) -> None:
        """A call has ended: count it and log it."""
        ended = record.finished()
        self.metrics.record(ended)
        self._log.write(ended)

    def refused_at_edge(self, outcome: Outcome) -> None:
        """The edge refused a request that never reached us."""
        self.metrics.refused(outcome)

    def report_crash(self, request_id: RequestId, error: Exception) -> None:
        """A fault of our own: told to the loop's handler, so that it is never silent."""
        self._loop.call_exception_handler(
            {"message": f"the gateway failed on {request_id}", "exception": error}
        )

    def stop_calls(self) -> None:
        """End every call that is still open, each with an answer that says why."""
        for call in list(self.calls):
            call.stop()

    def _refuse(
        self,
        response: Response,
        request_id: RequestId,
        outcome: Outcome,
        message: str,
        *,
        extra_headers: list[tuple[str, str]] | None = None,
    ) -> None:
        headers = [*error_headers(outcome), ("x-request-id", request_id), *(extra_headers or [])]
        response.send(ENDINGS[outcome].status, headers, error_body(outcome, message))
        self.metrics.refused(outcome)

    def _models_body(self, holder: KeyHolder) -> bytes:
        allowed = holder.identity.models
        models = sorted(self.models if allowed is None else self.models & allowed)
        listed = [
            {"id": name, "object": "model", "created": 0, "owned_by": "evenhand"} for name in models
        ]
        return orjson.dumps({"object": "list", "data": listed})
