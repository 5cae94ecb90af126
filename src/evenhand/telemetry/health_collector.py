"""How the gateway takes its engines to be, read when Prometheus asks. Series are bounded by the engines,
and by the reasons that circuits have."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from evenhand.model import EngineName


class Watched(Protocol):
    """One engine."""

    @property
    def name(self) -> EngineName:
        """Of the engine."""

    @property
    def is_drained(self) -> bool:
        """By the operator."""

    @property
    def circuit(self) -> str:
        """Its state: "closed", "open" or "half_open"."""

    @property
    def circuit_openings(self) -> Mapping[str, int]:
        """How often it has opened so far, by reason."""

    @property
    def given_up(self) -> int:
        """Requests that were given up and that the engine may still be at."""

    @property
    def given_up_total(self) -> int:
        """How many there ever were."""


class Retries(Protocol):
    """The budget of retries."""

    @property
    def spent_total(self) -> int:
        """Made."""

    @property
    def refused_total(self) -> int:
        """Not made."""


class HealthCollector(Collector):
    """Register it once."""

    def __init__(self, engines: Callable[[], Iterable[Watched]], retries: Retries) -> None:
        self._engines = engines
        self._retries = retries

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        drained = _gauge("drained", "1 while the operator has drained the engine.")
        circuit = _gauge("circuit", "1 for the state that the engine's circuit is in.", "state")
        openings = _counter(
            "circuit_openings", "Times the circuit has opened, by reason.", "reason"
        )
        given_up = _gauge(
            "given_up", "Slots of requests that were given up while the engine was at them."
        )
        given_up_total = _counter(
            "given_up_requests", "Requests that were given up while the engine was at them."
        )
        for engine in self._engines():
            label = [engine.name]
            drained.add_metric(label, int(engine.is_drained))
            for state in ("closed", "open", "half_open"):
                circuit.add_metric([*label, state], int(engine.circuit == state))
            for reason, count in engine.circuit_openings.items():
                openings.add_metric([*label, reason], count)
            given_up.add_metric(label, engine.given_up)
            given_up_total.add_metric(label, engine.given_up_total)
        yield from (drained, circuit, openings, given_up, given_up_total)
        yield CounterMetricFamily(
            "evenhand_retries",
            "Requests that were sent to a second engine after the first one had them.",
            value=self._retries.spent_total,
        )
        yield CounterMetricFamily(
            "evenhand_retries_refused",
            "Requests that were not, because retries were a tenth of the traffic already.",
            value=self._retries.refused_total,
        )


def _gauge(name: str, what: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"evenhand_engine_{name}", what, labels=["engine", *labels])


def _counter(name: str, what: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"evenhand_engine_{name}", what, labels=["engine", *labels])
