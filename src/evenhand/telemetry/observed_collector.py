"""What `mode: observe` has found, read when Prometheus asks."""

from collections.abc import Callable, Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from evenhand.scheduling.shadow import OTHERS, Observation
from evenhand.telemetry.labels import OTHER, distinct


class ObservedCollector(Collector):
    """Register it once, in observe mode only. Series are bounded by the rows of the observation, which
    keep their names while the process lives, so that counters only grow."""

    def __init__(self, observation: Callable[[], Observation | None]) -> None:
        self._observation = observation

    def collect(self) -> Iterator[Metric]:
        found = self._observation()
        yield GaugeMetricFamily(
            "evenhand_observing",
            "1 while the shadow follows; 0: it has failed, see the log.",
            value=int(found is not None),
        )
        if found is None:
            return
        waits = SummaryMetricFamily(
            "evenhand_observed_wait_seconds",
            "Waits of ended requests, as served (arrival) and as a fair order had it (fair).",
            labels=["tenant", "order"],
        )
        for row in found.in_all:
            path = "/".join(row.tenant)
            label = OTHER if row.tenant == OTHERS else distinct(path, OTHER)
            for order, tally in (("arrival", row.arrival), ("fair", row.fair)):
                total_s = tally.waits.total_ms / 1000
                waits.add_metric([label, order], tally.waits.count, total_s)
        yield waits
        yield CounterMetricFamily(
            "evenhand_observed_resets",
            "How often the shadow had too much to remember and began anew.",
            value=found.resets,
        )
