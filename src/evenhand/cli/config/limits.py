"""The `limits` section: nothing grows or waits without end."""

from typing import Annotated

from pydantic import BaseModel

from evenhand.cli.config.scalars import SECTION, Seconds, between

_TIB = 2**40


class Limits(BaseModel):
    """Bounds of queues, bodies, connections and waits. The defaults suit one gateway in front of
    a handful of engines."""

    model_config = SECTION

    queue_requests_max: Annotated[int, between(1, 10_000_000)] = 10_000
    """Requests waiting in all. At the limit the newest of the tenant furthest over its share
    goes (429)."""
    queue_bytes_max: Annotated[int, between(1024, _TIB)] = 268_435_456
    """Bytes of request bodies waiting in all; the same rule. A policy that compares prompts keeps up to
    256 KiB of the text of each beside it, which counts here and below."""
    tenant_queue_requests_max: Annotated[int, between(1, 10_000_000)] = 2_000
    """Requests of one tenant that wait; the next is refused (429)."""
    tenant_queue_bytes_max: Annotated[int, between(1024, _TIB)] = 67_108_864
    """Bytes of request bodies of one tenant that wait; the next is refused (429)."""

    head_bytes_max: Annotated[int, between(1024, 1_048_576)] = 16_384
    """Bytes of request line and headers (431 above)."""
    head_fields_max: Annotated[int, between(8, 10_000)] = 100
    """Header fields of a request (431 above)."""
    body_bytes_max: Annotated[int, between(1024, 1_073_741_824)] = 8_388_608
    """Bytes of a request body (413 above)."""
    json_depth_max: Annotated[int, between(8, 512)] = 64
    """Nesting of a request body's JSON (400 above)."""
    choices_max: Annotated[int, between(1, 1_000)] = 8
    """Completions that one request may ask for: `n` or `best_of`, times the prompts (400 above)."""
    embedding_inputs_max: Annotated[int, between(1, 100_000)] = 2_048
    """Inputs that one request for embeddings may have (400 above)."""
    output_tokens_max: Annotated[int, between(1, 10_000_000)] = 131_072
    """Largest `max_tokens` that a client may ask for, in tokens (400 above)."""
    output_tokens_default: Annotated[int, between(1, 10_000_000)] = 256
    """Output tokens that are charged ahead while nothing is known and the client names no
    maximum; corrected by what is really produced. What the ledger holds then, and for a key with a
    budget the bound of the answer, which the engine is told."""

    connections_max: Annotated[int, between(1, 1_000_000)] = 10_000
    """Client connections at a time (503 above)."""
    head_timeout_s: Annotated[Seconds, between(0.05, 3_600)] = 5
    """Seconds a client may take to send the head of a request (408)."""
    body_timeout_s: Annotated[Seconds, between(0.05, 3_600)] = 15
    """Seconds a client may take to send the body of a request (408)."""
    idle_timeout_s: Annotated[Seconds, between(0.05, 86_400)] = 75
    """Seconds a connection may stay open between requests."""
    write_stall_s: Annotated[Seconds, between(0.05, 3_600)] = 30
    """Seconds a client may take none of its answer before the request is ended and charged."""
    client_buffer_bytes_max: Annotated[int, between(1024, 1_073_741_824)] = 1_048_576
    """Bytes of answer kept for a client that reads slowly; above it the request is ended."""

    first_byte_timeout_s: Annotated[Seconds, between(0.05, 86_400)] = 300
    """Seconds an engine may take to begin its answer (504)."""
    chunk_timeout_s: Annotated[Seconds, between(0.05, 86_400)] = 60
    """Seconds an engine may be silent in the middle of an answer."""
    abort_grace_s: Annotated[Seconds, between(0, 3_600)] = 2
    """Seconds that the slot of a request stays taken after its client has left or it has timed out:
    the engine may still be at it. Shorter where the engine itself says that it is done."""
    answer_bytes_max: Annotated[int, between(1024, _TIB)] = 33_554_432
    """Bytes of one answer of an engine; above it the request is ended."""
    event_bytes_max: Annotated[int, between(1024, 1_073_741_824)] = 1_048_576
    """Bytes of one event of a streamed answer; above it the request is ended."""

    drain_s: Annotated[Seconds, between(0, 86_400)] = 30
    """Seconds that running requests are given to end after SIGTERM."""
    metrics_tenants_max: Annotated[int, between(1, 1_000)] = 100
    """Tenants with metrics of their own; the others are summed as `other`."""
