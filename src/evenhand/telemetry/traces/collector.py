"""What became of the spans, as metrics."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from evenhand.telemetry.traces.traces import Traces


class TraceCollector(Collector):
    """Reads the counts at each scrape."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces

    def collect(self) -> Iterator[CounterMetricFamily]:
        for name, help_text, count in (
            (
                "evenhand_traces_exported",
                "Requests whose spans the collector has taken.",
                self._traces.exported,
            ),
            (
                "evenhand_traces_dropped",
                "Requests whose spans found the queue full, or no collector that took them.",
                self._traces.dropped,
            ),
        ):
            yield CounterMetricFamily(name, help_text, value=count)
