"""What the scheduler knows, read when Prometheus asks: nothing is counted twice."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from evenhand.scheduling import Scheduler
from evenhand.telemetry.labels import OTHER, distinct
from evenhand.telemetry.standings import Rest, Standing, Standings

_TENANT_GAUGES = {
    "service_units": "Service charged so far, in units; it shrinks when an estimate is corrected.",
    "queue_depth": "Requests that wait.",
    "in_flight": "Requests at an engine.",
    "share_promised": "Part of all service that the weights promise while everybody is active.",
    "share_received": "Part of all service so far.",
}


class SchedulerCollector(Collector):
    """Register it once. Series are bounded by the engines and by `tenants_max`: that many leaves with
    most service are named, the others are summed as `other`."""

    def __init__(self, scheduler: Scheduler, *, tenants_max: int) -> None:
        self._scheduler = scheduler
        self._tenants_max = tenants_max
        self._standings = Standings(scheduler.tree)

    def collect(self) -> Iterator[Metric]:
        backlog = self._scheduler.backlog
        yield GaugeMetricFamily(
            "evenhand_queue_depth", "Requests that wait for an engine.", value=backlog.requests
        )
        yield GaugeMetricFamily(
            "evenhand_queue_bytes", "Bytes of the requests that wait.", value=backlog.bytes
        )
        yield from self._engines()
        yield from self._predictions()
        yield from self._overload()
        yield from self._tenants()

    def _engines(self) -> Iterator[Metric]:
        in_flight = GaugeMetricFamily(
            "evenhand_engine_in_flight", "Requests at the engine.", labels=["engine"]
        )
        window = GaugeMetricFamily(
            "evenhand_engine_window", "Requests that may be at the engine.", labels=["engine"]
        )
        up = GaugeMetricFamily(
            "evenhand_engine_up", "1 while the engine takes requests.", labels=["engine"]
        )
        for name, engine in self._scheduler.capacity.engines.items():
            in_flight.add_metric([name], engine.in_flight)
            window.add_metric([name], engine.window)
            up.add_metric([name], int(engine.window > 0))
        yield from (in_flight, window, up)

    def _predictions(self) -> Iterator[Metric]:
        answers = CounterMetricFamily(
            "evenhand_prediction_answers", "Completed answers.", labels=["model"]
        )
        error = CounterMetricFamily(
            "evenhand_prediction_error_tokens",
            "Output tokens by which predictions were over or under the truth.",
            labels=["model", "direction"],
        )
        for model, known in self._scheduler.prediction_errors.by_model.items():
            answers.add_metric([model], known.answers)
            error.add_metric([model, "over"], known.over_tokens)
            error.add_metric([model, "under"], known.under_tokens)
        yield from (answers, error)

    def _overload(self) -> Iterator[Metric]:
        """Only where the policy asks for it."""
        status = self._scheduler.overload()
        if status is None:
            return
        yield GaugeMetricFamily(
            "evenhand_overloaded",
            "1 while new interactions of tenants over their share are refused, in some lane.",
            value=int(status.is_overloaded),
        )
        yield GaugeMetricFamily(
            "evenhand_drain_seconds",
            "How long all that waits would take at the measured rate; 0 while none is measured.",
            value=(status.drain_ms or 0) / 1000,
        )

    def _tenants(self) -> Iterator[Metric]:
        families = {
            name: GaugeMetricFamily(f"evenhand_tenant_{name}", what, labels=["tenant"])
            for name, what in _TENANT_GAUGES.items()
        }
        top, rest = self._standings.top(self._tenants_max)
        rows: list[tuple[str, Standing | Rest]] = [
            (distinct("/".join(node.path), OTHER), self._standings.of(node)) for node in top
        ]
        if rest is not None:
            rows.append((OTHER, rest))
        for label, row in rows:
            families["service_units"].add_metric([label], row.service_units)
            families["queue_depth"].add_metric([label], row.queued_requests)
            families["in_flight"].add_metric([label], row.running_requests)
            families["share_promised"].add_metric([label], row.share_promised)
            families["share_received"].add_metric([label], row.share_received)
        yield from families.values()
