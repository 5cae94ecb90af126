"""What the lanes hold, read when Prometheus asks. Series are bounded by the configured lanes."""

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from evenhand.scheduling import Scheduler

_GAUGES = {
    "in_flight": "Requests of the lane at engines.",
    "queue_depth": "Requests of the lane that wait.",
    "oldest_wait_seconds": "How long the oldest of these has waited; 0 while none does.",
    "floor_slots": "Slots of the engines that are up which the lane can count on.",
    "ceiling_slots": "Slots of the engines that are up from which on others go first.",
}


class LaneCollector(Collector):
    """Register it once. `now_ms` is the scheduler's clock."""

    def __init__(self, scheduler: Scheduler, now_ms: Callable[[], int]) -> None:
        self._scheduler = scheduler
        self._now_ms = now_ms

    def collect(self) -> Iterator[Metric]:
        families = {
            name: GaugeMetricFamily(f"evenhand_lane_{name}", what, labels=["lane"])
            for name, what in _GAUGES.items()
        }
        for lane in self._scheduler.lane_standings(self._now_ms()):
            label = [lane.name]
            families["in_flight"].add_metric(label, lane.in_flight)
            families["queue_depth"].add_metric(label, lane.waiting)
            families["oldest_wait_seconds"].add_metric(label, lane.oldest_wait_ms / 1000)
            families["floor_slots"].add_metric(label, lane.floor_slots)
            families["ceiling_slots"].add_metric(label, lane.ceiling_slots)
        yield from families.values()
