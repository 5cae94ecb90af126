"""The metrics `evenhand_*`: plain numbers while we serve, Prometheus families when we are asked."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from evenhand.model import Outcome, TenantPath
from evenhand.telemetry.histogram import SecondsHistogram
from evenhand.telemetry.labels import NO_MODEL, OTHER, distinct
from evenhand.telemetry.model_metrics import ModelMetrics
from evenhand.telemetry.record import RequestRecord
from evenhand.telemetry.tenant_metrics import TenantMetrics

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
"""Of what `Metrics.render` gives."""

MODELS_MAX = 32
"""Models with series of their own, in the order given; the rest counts as `other`."""

_NOT_REFUSED = [
    Outcome.COMPLETED,
    *(Outcome.CANCELLED_QUEUED, Outcome.CANCELLED_RUNNING, Outcome.SLOW_READER),
]
"""Ended by the answer's end, or by the client."""

_OTHER_MODELS = ""
"""Stands for them where histograms are kept by model: no model is called so."""

_LOOP_LAG_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5)


class Counts(NamedTuple):
    """Since the gateway started. `refused` are those that ended with an error; tokens are those of
    requests that have ended."""

    ended: int = 0
    refused: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class Metrics:
    """All counters of one gateway, on a registry of their own. Use from the loop's thread."""

    def __init__(
        self,
        *,
        models: Iterable[str],
        version: str,
        log_lines_dropped: Callable[[], int] = lambda: 0,
        tenants_max: int = 100,
    ) -> None:
        configured = list(dict.fromkeys(models))[:MODELS_MAX]
        self._other = ModelMetrics()
        self._none = ModelMetrics()
        self._models: dict[str | None, ModelMetrics] = {m: ModelMetrics() for m in configured}
        self._models[None] = self._none
        self.tenants = TenantMetrics(tenants_max)
        self._version = version
        self._log_lines_dropped = log_lines_dropped
        self.loop_lag = SecondsHistogram(_LOOP_LAG_S)
        self.registry = CollectorRegistry()
        """Further collectors may be registered here."""
        self.registry.register(_Exposition(self))

    def for_model(self, model: str | None) -> ModelMetrics:
        """Look up a model's counters. None: no model."""
        return self._models.get(model, self._other)

    def pace(self, model: str, tenant: TenantPath) -> SecondsHistogram:
        """Where the times between a tenant's tokens of that model are observed; keep the answer while
        they come. Of output tokens that came together each took its part of the time since those before.
        A request's first ones are not in it: their time is the TTFT."""
        return self.tenants.pace(tenant, model if model in self._models else _OTHER_MODELS)

    def counts(self) -> Counts:
        """Over all models, and what had none."""
        every = (*self._models.values(), self._other)
        ended = sum(sum(counted.requests.values()) for counted in every)
        served = sum(counted.requests[outcome] for counted in every for outcome in _NOT_REFUSED)
        return Counts(
            ended,
            ended - served,
            sum(counted.input_tokens + counted.cached_input_tokens for counted in every),
            sum(counted.output_tokens for counted in every),
        )

    def record(self, record: RequestRecord) -> None:
        """Count an ended request. Exactly once per request."""
        self._models.get(record["model"], self._other).ended(record)
        self.tenants.ended(record)

    def refused(self, outcome: Outcome) -> None:
        """Count a request that the edge refused before it had an identity or a body."""
        self._none.requests[outcome] += 1

    def render(self) -> bytes:
        """Everything on the registry, in the text format of type `CONTENT_TYPE`."""
        return generate_latest(self.registry) + self.tenants.exposition().encode()

    def families(self) -> Iterator[Metric]:
        """Own metrics at this moment."""
        by_label = {
            distinct(model, OTHER, NO_MODEL): counted
            for model, counted in self._models.items()
            if model is not None
        }
        by_label |= {OTHER: self._other, NO_MODEL: self._none}
        yield _requests(by_label)
        yield _tokens(by_label)
        for name, what in _HISTOGRAMS.items():
            family = HistogramMetricFamily(f"evenhand_{name}_seconds", what, labels=["model"])
            for label, metrics in by_label.items():
                histogram: SecondsHistogram = getattr(metrics, name)
                family.add_metric([label], histogram.buckets(), histogram.total_s)
            yield family
        yield self._paces()
        lag = HistogramMetricFamily("evenhand_loop_lag_seconds", "How late the event loop runs.")
        lag.add_metric([], self.loop_lag.buckets(), self.loop_lag.total_s)
        yield lag
        yield CounterMetricFamily(
            "evenhand_log_lines_dropped",
            "Log lines lost because their sink was full or broken.",
            value=self._log_lines_dropped(),
        )
        info = InfoMetricFamily("evenhand_build", "The version that runs.")
        info.add_metric([], {"version": self._version})
        yield info

    def _paces(self) -> HistogramMetricFamily:
        what = "Time between output tokens of one answer."
        family = HistogramMetricFamily("evenhand_inter_token_seconds", what, labels=["model"])
        for model in self._models:
            pace = self.tenants.of_model(model)
            label = NO_MODEL if model is None else distinct(model, OTHER, NO_MODEL)
            family.add_metric([label], pace.buckets(), pace.total_s)
        pace = self.tenants.of_model(_OTHER_MODELS)
        family.add_metric([OTHER], pace.buckets(), pace.total_s)
        return family


_HISTOGRAMS = {
    "queue_wait": "Time from arrival in the queue to an engine.",
    "ttft": "Time from the request to its first token.",
}


class _Exposition(Collector):
    """What the registry wants of us."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        return self._metrics.families()


def _requests(by_label: dict[str, ModelMetrics]) -> CounterMetricFamily:
    what = "Ended requests by outcome; model none: refused before a model was known."
    family = CounterMetricFamily("evenhand_requests", what, labels=["outcome", "model"])
    for label, metrics in by_label.items():
        for outcome, count in metrics.requests.items():
            family.add_metric([outcome.value, label], count)
    return family


def _tokens(by_label: dict[str, ModelMetrics]) -> CounterMetricFamily:
    what = "Tokens of ended requests; input is what was not cached, so the kinds add up."
    family = CounterMetricFamily("evenhand_tokens", what, labels=["kind", "model"])
    for label, metrics in by_label.items():
        family.add_metric(["input", label], metrics.input_tokens)
        family.add_metric(["cached_input", label], metrics.cached_input_tokens)
        family.add_metric(["output", label], metrics.output_tokens)
    return family
