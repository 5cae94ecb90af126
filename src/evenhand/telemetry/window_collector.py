"""Why windows of engines were changed, read when Prometheus asks."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from evenhand.scheduling.window import WindowControl


class WindowCollector(Collector):
    """Register it once. Series are bounded by the engines and the reasons."""

    def __init__(self, controls: Mapping[str, WindowControl]) -> None:
        """By engine, those whose windows move."""
        self._controls = controls

    def collect(self) -> Iterator[Metric]:
        changes = CounterMetricFamily(
            "evenhand_engine_window_changes",
            "Changes of a window that moves, by what they were made for.",
            labels=["engine", "reason"],
        )
        for name, control in self._controls.items():
            for reason, times in control.changes.items():
                changes.add_metric([name, reason.value], times)
        yield changes
