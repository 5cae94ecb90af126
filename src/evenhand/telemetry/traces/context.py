"""Which trace a request belongs to (W3C Trace Context, `traceparent`)."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

_TRACEPARENT: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?"
)
_TRACE_BITS: Final = 128
_SPAN_BITS: Final = 64
SAMPLE_BITS: Final = 56
"""Of the end of a trace's id, which are random by the standard: systems that sample by them agree."""


class TraceContext(NamedTuple):
    """Where the spans of a request stand. `parent` 0: the client named none."""

    trace: int
    parent: int
    own: int
    at_engine: int
    is_sampled: bool

    @property
    def for_engine(self) -> str:
        """The header by which the engine's spans become children of ours."""
        return f"00-{self.trace:032x}-{self.at_engine:016x}-{self.is_sampled:02x}"


def continued(
    traceparent: str | None, bits: Callable[[int], int], sample_bound: int
) -> TraceContext:
    """The client's trace, or a new one. `bits` gives random ones; a trace is sampled if the end of its
    id lies below `sample_bound`, whatever the client says: it does not decide what tracing costs us."""
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if match:
        trace, parent = int(match[1], 16), int(match[2], 16)
    else:
        trace, parent = bits(_TRACE_BITS) or 1, 0
    is_sampled = trace & ((1 << SAMPLE_BITS) - 1) < sample_bound
    return TraceContext(trace, parent, bits(_SPAN_BITS) or 1, bits(_SPAN_BITS) or 1, is_sampled)


def sample_bound(percent: float) -> int:
    """For `continued`, so that so many percent are sampled."""
    return round((1 << SAMPLE_BITS) * percent / 100)
