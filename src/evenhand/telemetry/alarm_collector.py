"""How many alarms of each kind stand, for Prometheus."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from evenhand.telemetry.alarms import Alarms


class AlarmCollector(Collector):
    """Register it once. A series for each kind."""

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        family = GaugeMetricFamily(
            "evenhand_alarms", "Alarms that the gateway itself has raised.", labels=["kind"]
        )
        for kind, count in self._alarms.counts().items():
            family.add_metric([kind.value], count)
        yield family
