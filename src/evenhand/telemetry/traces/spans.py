"""Ended requests as spans: one for the whole, one for its wait, one for its time at the engine.

Names are those of OpenTelemetry's conventions for generative AI; what these have no name for stands in
our own namespace. The messages are filled directly: the SDK's own way costs seven times as much.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from evenhand.model import Outcome
from evenhand.telemetry.record import RequestRecord
from evenhand.telemetry.traces.traces import Ended

Value = str | int | float | bool | None
_OPERATIONS: Final = {"/v1/completions": "text_completion", "/v1/embeddings": "embeddings"}
_NS_PER_MS: Final = 1_000_000


class SpanMaker:
    """`service` is what the traces call the gateway, `version` its own."""

    def __init__(self, service: str, version: str) -> None:
        self._service = service
        self._version = version

    def message(self, batch: Sequence[Ended]) -> bytes:
        """What a collector is sent."""
        request = ExportTraceServiceRequest()
        resource = request.resource_spans.add()
        about = {"service.name": self._service, "service.version": self._version}
        _fill(resource.resource.attributes.add, about)
        scope = resource.scope_spans.add()
        scope.scope.name, scope.scope.version = "evenhand", self._version
        for ended in batch:
            _add_spans(scope.spans.add, ended)
        message: bytes = request.SerializeToString()
        return message


def _add_spans(add: Callable[[], Span], ended: Ended) -> None:
    record, context = ended.record, ended.context
    operation = _OPERATIONS.get(record["path"], "chat")
    name = f"{operation} {record['model']}" if record["model"] else operation
    begin_ns = ended.end_ns - round(record["duration_ms"] * _NS_PER_MS)
    trace, own = context.trace.to_bytes(16), context.own.to_bytes(8)
    parent = context.parent.to_bytes(8) if context.parent else b""
    whole = add()
    _place(whole, trace, own, parent)
    whole.kind = Span.SPAN_KIND_SERVER
    _describe(whole, name, begin_ns, ended.end_ns)
    _fill(whole.attributes.add, _of_the_whole(record, operation))
    _conclude(whole, record)
    if ended.sent_ms is None:
        return
    sent_ns = min(begin_ns + round(ended.sent_ms * _NS_PER_MS), ended.end_ns)
    waited_ns = round((record["queue_wait_ms"] or 0) * _NS_PER_MS)
    queue = add()
    # An id of its own, because the engine has been told the other one.
    _place(queue, trace, (context.own ^ context.at_engine or 1).to_bytes(8), own)
    came_ns = max(begin_ns, sent_ns - waited_ns)
    queue.kind = Span.SPAN_KIND_INTERNAL
    _describe(queue, "queue", came_ns, sent_ns)
    _fill(queue.attributes.add, _of_the_wait(record))
    at_engine = add()
    _place(at_engine, trace, context.at_engine.to_bytes(8), own)
    at_engine.kind = Span.SPAN_KIND_CLIENT
    _describe(at_engine, name, sent_ns, ended.end_ns)
    _fill(at_engine.attributes.add, _of_the_engine(record, operation))
    _conclude(at_engine, record)


def _place(span: Span, trace: bytes, own: bytes, parent: bytes) -> None:
    span.trace_id, span.span_id, span.parent_span_id, span.flags = trace, own, parent, 1


def _describe(span: Span, name: str, begin_ns: int, end_ns: int) -> None:
    span.name = name
    span.start_time_unix_nano, span.end_time_unix_nano = begin_ns, end_ns


def _conclude(span: Span, record: RequestRecord) -> None:
    if record["outcome"] is not Outcome.COMPLETED:
        span.status.code = Status.STATUS_CODE_ERROR
        _fill(span.attributes.add, {"error.type": str(record["outcome"])})


def _fill(add: Callable[[], KeyValue], attributes: Mapping[str, Value]) -> None:
    """What is None is left out."""
    for key, value in attributes.items():
        if value is None:
            continue
        attribute = add()
        attribute.key = key
        if isinstance(value, str):
            attribute.value.string_value = value
        elif isinstance(value, bool):
            attribute.value.bool_value = value
        elif isinstance(value, int):
            attribute.value.int_value = value
        else:
            attribute.value.double_value = value


def _tenant(record: RequestRecord) -> str | None:
    return None if record["tenant"] is None else "/".join(record["tenant"])


def _of_the_wait(record: RequestRecord) -> dict[str, Value]:
    return {
        "evenhand.tenant": _tenant(record),
        "evenhand.lane": record["lane"],
        "evenhand.queue_wait_ms": record["queue_wait_ms"],
    }


def _of_the_engine(record: RequestRecord, operation: str) -> dict[str, Value]:
    return {
        "gen_ai.operation.name": operation,
        "gen_ai.request.model": record["model"],
        "evenhand.engine": record["engine"],
        "evenhand.dispatches": record["dispatches"],
    }


def _of_the_whole(record: RequestRecord, operation: str) -> dict[str, Value]:
    ttft_ms = record["ttft_ms"]
    return {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": "evenhand",
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
