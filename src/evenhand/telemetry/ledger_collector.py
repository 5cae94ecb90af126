"""How the ledger's disk is doing, read when Prometheus asks."""

from collections.abc import Callable, Iterator
from typing import Protocol

from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from evenhand.telemetry.histogram import SecondsHistogram

_COMMIT_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class LedgerStatus(Protocol):
    """What is asked of the store."""

    @property
    def is_open(self) -> bool:
        """Whether it can be written."""

    @property
    def waiting_entries(self) -> int:
        """Entries that are not known to be on disk."""

    @property
    def open_holds(self) -> int:
        """Holds that are not resolved."""


class LedgerCollector(Collector):
    """Register it once. `commits` takes the seconds that each commit took."""

    def __init__(self, status: Callable[[], LedgerStatus]) -> None:
        self._status = status
        self.commits = SecondsHistogram(_COMMIT_S)

    def collect(self) -> Iterator[Metric]:
        status = self._status()
        yield GaugeMetricFamily(
            "evenhand_ledger_open", "1 while the ledger can be written.", value=int(status.is_open)
        )
        yield GaugeMetricFamily(
            "evenhand_ledger_entries_waiting",
            "Ledger entries that are not known to be on disk.",
            value=status.waiting_entries,
        )
        yield GaugeMetricFamily(
            "evenhand_ledger_holds_open", "Holds that are not resolved.", value=status.open_holds
        )
        commits = HistogramMetricFamily(
            "evenhand_ledger_commit_seconds", "Time to write a batch of entries to disk."
        )
        commits.add_metric([], self.commits.buckets(), self.commits.total_s)
        yield commits
