"""What the engines say of themselves, read when Prometheus asks. Series are bounded by the engines."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from evenhand.model import EngineName, EngineReport


class ToldBy(Protocol):
    """An engine, what it said of itself last, and how long ago; None: nothing, or nothing of late."""

    @property
    def name(self) -> EngineName:
        """Of the engine."""

    @property
    def report(self) -> EngineReport | None:
        """What it said last."""

    @property
    def report_age_ms(self) -> int | None:
        """How long ago it said anything; None: never."""

    @property
    def signals_missing(self) -> tuple[str, ...]:
        """Names that it told and no longer does."""


class SignalCollector(Collector):
    """Register it once. What an engine does not say has no series, rather than one that is 0."""

    def __init__(self, engines: Callable[[], Iterable[ToldBy]]) -> None:
        self._engines = engines

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        running = _gauge("running", "Requests that the engine says it computes.")
        waiting = _gauge("waiting", "Requests that the engine says wait inside it.")
        used = _gauge("kv_used_ratio", "Part of its memory for prompts and answers that is taken.")
        age = _gauge("report_age_seconds", "How long ago the engine said anything of itself.")
        missing = _gauge("signals_missing", "Names that the engine used to tell and does not now.")
        preemptions = CounterMetricFamily(
            "evenhand_engine_preemptions",
            "Requests that lost their memory in the engine, as it counts them.",
            labels=["engine"],
        )
        for engine in self._engines():
            label = [engine.name]
            report = engine.report or EngineReport()
            _add(running, label, report.running)
            _add(waiting, label, report.waiting)
            _add(used, label, report.kv_used_permille, per=1000)
            _add(preemptions, label, report.preemptions)
            _add(age, label, engine.report_age_ms, per=1000)
            _add(missing, label, len(engine.signals_missing))
        yield from (running, waiting, used, preemptions, age, missing)


def _gauge(name: str, what: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"evenhand_engine_{name}", what, labels=["engine"])


def _add(
    family: GaugeMetricFamily | CounterMetricFamily,
    label: list[EngineName],
    value: int | None,
    *,
    per: int = 1,
) -> None:
    if value is not None:
        family.add_metric(label, value / per)
