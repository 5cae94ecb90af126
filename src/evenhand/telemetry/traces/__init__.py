"""Requests as OpenTelemetry spans, for whoever follows a call through several systems.

Lives here: which trace a request belongs to, its spans, and their export in the background.
May import: telemetry, model; OpenTelemetry's messages, an extra that is imported when a configuration
asks for traces.
Promises: a span is made after its request has ended, in a thread of its own, from the same record as the
log line: no prompt, no answer and no key can be in it; a collector that is slow or gone costs spans,
which are counted, and nothing else.
"""

from evenhand.telemetry.traces.collector import TraceCollector
from evenhand.telemetry.traces.context import TraceContext, continued
from evenhand.telemetry.traces.export import Export, OtlpExport
from evenhand.telemetry.traces.traces import Ended, Traces

__all__ = [
    "Ended",
    "Export",
    "OtlpExport",
    "TraceCollector",
    "TraceContext",
    "Traces",
    "continued",
]
