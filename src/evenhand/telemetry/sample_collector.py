"""What the newest sample says, for Prometheus: fairness, oldest waits, who holds what."""

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from evenhand.telemetry.labels import OTHER, distinct
from evenhand.telemetry.samples import Sample, TenantSample

_PER = 1_000_000


class SampleCollector(Collector):
    """Register it once. Series are bounded by the tenants of a sample; who is idle has none."""

    def __init__(self, latest: Callable[[], Sample | None]) -> None:
        self._latest = latest

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        sample = self._latest()
        yield self._fairness(sample)
        yield GaugeMetricFamily(
            "evenhand_queue_oldest_wait_seconds",
            "How long the oldest waiting request has waited; 0 while none waits.",
            value=0 if sample is None else sample.oldest_wait_ms / 1000,
        )
        yield GaugeMetricFamily(
            "evenhand_backlogged_tenants",
            "Tenants with a request that waits.",
            value=0 if sample is None else sample.backlogged_tenants,
        )
        yield GaugeMetricFamily(
            "evenhand_dominant_tenant_share",
            "Part of the service of the last minute that went to the tenant that received most.",
            value=0 if sample is None else sample.dominant_ppm / _PER,
        )
        yield from _tenants([row for row in sample.tenants if _is_active(row)] if sample else [])

    def _fairness(self, sample: Sample | None) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "evenhand_fairness_index",
            "Jain's index over backlogged tenants, of what they got of their due; 1 is fair.",
            labels=["window"],
        )
        if sample is not None:
            indexes = {"1s": sample.jain_1s_ppm, "5m": sample.jain_5min_ppm}
            for window, ppm in indexes.items():
                if ppm is not None:
                    family.add_metric([window], ppm / _PER)
        return family


def _tenants(rows: list[TenantSample]) -> Iterator[Metric]:
    oldest = _gauge("oldest_wait_seconds", "How long its oldest waiting request has waited.")
    entitled = _gauge("share_entitled", "Part of the last second's service that it was due.")
    now = _gauge("share_received_now", "Part of the last second's service that it got.")
    kv = _gauge("kv_share", "Estimated part of the engines' memory that its requests hold.")
    for row in rows:
        label = [distinct("/".join(row.path), OTHER)]
        oldest.add_metric(label, row.oldest_wait_ms / 1000)
        now.add_metric(label, row.received_ppm / _PER)
        if row.entitled_ppm is not None:
            entitled.add_metric(label, row.entitled_ppm / _PER)
        if row.kv_ppm is not None:
            kv.add_metric(label, row.kv_ppm / _PER)
    yield from (oldest, entitled, now, kv)


def _gauge(name: str, what: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"evenhand_tenant_{name}", what, labels=["tenant"])


def _is_active(row: TenantSample) -> bool:
    return bool(row.queued or row.running or row.units)
