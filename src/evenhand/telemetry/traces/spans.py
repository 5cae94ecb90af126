"""An ended request as spans: one for the whole, one for its wait, one for its time at the engine.

Names are those of OpenTelemetry's conventions for generative AI; what these have no name for stands in
our own namespace.
"""

from typing import Any, Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from evenhand.model import Outcome
from evenhand.telemetry.record import RequestRecord
from evenhand.telemetry.traces.context import TraceContext
from evenhand.telemetry.traces.traces import Ended

_OPERATIONS: Final = {"/v1/completions": "text_completion", "/v1/embeddings": "embeddings"}
_NS_PER_MS: Final = 1_000_000
_FLAGS: Final = TraceFlags(TraceFlags.SAMPLED)
_PROVIDER: Final = "evenhand"


class SpanMaker:
    """`version` is the gateway's, `service` what the traces call it."""

    def __init__(self, service: str, version: str) -> None:
        self._resource = Resource({"service.name": service, "service.version": version})
        self._scope = InstrumentationScope("evenhand", version)

    def spans(self, ended: Ended) -> list[ReadableSpan]:
        """Of one request, the whole first."""
        record, context = ended.record, ended.context
        operation = _OPERATIONS.get(record["path"], "chat")
        name = f"{operation} {record['model']}" if record["model"] else operation
        begin_ns = ended.end_ns - round(record["duration_ms"] * _NS_PER_MS)
        parent = _at(context, context.parent, is_remote=True) if context.parent else None
        own = _at(context, context.own)
        whole = _whole(record, operation)
        spans = [
            self._span(
                name,
                own,
                parent,
                kind=SpanKind.SERVER,
                attributes=whole,
                time_ns=(begin_ns, ended.end_ns),
                record=record,
            )
        ]
        if ended.sent_ms is not None:
            sent_ns = min(begin_ns + round(ended.sent_ms * _NS_PER_MS), ended.end_ns)
            spans.append(self._wait(ended, own, begin_ns, sent_ns))
            spans.append(self._at_engine(ended, own, name, operation, sent_ns))
        return spans

    def _wait(self, ended: Ended, own: SpanContext, begin_ns: int, sent_ns: int) -> ReadableSpan:
        record, context = ended.record, ended.context
        waited_ns = round((record["queue_wait_ms"] or 0) * _NS_PER_MS)
        return self._span(
            "queue",
            # An id of its own, because the engine has been told the other one.
            _at(context, context.own ^ context.at_engine or 1),
            own,
            kind=SpanKind.INTERNAL,
            attributes={
                "evenhand.tenant": _tenant(record),
                "evenhand.lane": record["lane"],
                "evenhand.queue_wait_ms": record["queue_wait_ms"],
            },
            time_ns=(max(begin_ns, sent_ns - waited_ns), sent_ns),
        )

    def _at_engine(
        self, ended: Ended, own: SpanContext, name: str, operation: str, sent_ns: int
    ) -> ReadableSpan:
        record = ended.record
        return self._span(
            name,
            _at(ended.context, ended.context.at_engine),
            own,
            kind=SpanKind.CLIENT,
            attributes={
                "gen_ai.operation.name": operation,
                "gen_ai.request.model": record["model"],
                "evenhand.engine": record["engine"],
                "evenhand.dispatches": record["dispatches"],
            },
            time_ns=(sent_ns, ended.end_ns),
            record=record,
        )

    def _span(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        *,
        kind: SpanKind,
        attributes: dict[str, Any],
        time_ns: tuple[int, int],
        record: RequestRecord | None = None,
    ) -> ReadableSpan:
        """`record` None: nothing of the request's outcome is this span's."""
        status = Status(StatusCode.UNSET)
        if record is not None and record["outcome"] is not Outcome.COMPLETED:
            attributes["error.type"] = str(record["outcome"])
            status = Status(StatusCode.ERROR)
        return ReadableSpan(
            name,
            context,
            parent,
            self._resource,
            {key: value for key, value in attributes.items() if value is not None},
            kind=kind,
            status=status,
            start_time=time_ns[0],
            end_time=time_ns[1],
            instrumentation_scope=self._scope,
        )


def _at(context: TraceContext, span: int, *, is_remote: bool = False) -> SpanContext:
    return SpanContext(context.trace, span, is_remote, _FLAGS)


def _tenant(record: RequestRecord) -> str | None:
    return None if record["tenant"] is None else "/".join(record["tenant"])


def _whole(record: RequestRecord, operation: str) -> dict[str, Any]:
    ttft_ms = record["ttft_ms"]
    return {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": _PROVIDER,
        "gen_ai.request.model": record["model"],
        "gen_ai.response.model": record["model"],
        "gen_ai.request.stream": record["is_stream"],
        "gen_ai.conversation.id": record["interaction"],
        "gen_ai.usage.input_tokens": record["input_tokens"],
        "gen_ai.usage.output_tokens": record["output_tokens"],
        "gen_ai.usage.cache_read.input_tokens": record["cached_input_tokens"],
        "gen_ai.usage.reasoning.output_tokens": record["reasoning_tokens"],
        "gen_ai.response.time_to_first_chunk": None if ttft_ms is None else ttft_ms / 1000,
        "http.request.method": "POST",
        "http.response.status_code": record["status"],
        "url.path": record["path"],
        "evenhand.request_id": record["request_id"],
        "evenhand.tenant": _tenant(record),
        "evenhand.application": record["application"],
        "evenhand.lane": record["lane"],
        "evenhand.engine": record["engine"],
        "evenhand.outcome": str(record["outcome"]),
        "evenhand.queue_wait_ms": record["queue_wait_ms"],
        "evenhand.units": record["units"],
        "evenhand.dispatches": record["dispatches"],
        "evenhand.usage_is_estimate": record["usage_is_estimate"],
    }
