"""Whose the engines' GPU time was, read when Prometheus asks. Series are bounded by the engines, and by
the tenants that the account itself names."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from evenhand.ledger.gpu import GpuKind
from evenhand.model import EngineName, TenantPath
from evenhand.telemetry.labels import OTHER, distinct

_US = 1_000_000


class GpuAccount(Protocol):
    """Microseconds of GPUs since the start."""

    @property
    def by_engine(self) -> Mapping[EngineName, Mapping[GpuKind, int]]:
        """All of it."""

    @property
    def by_tenant(self) -> Mapping[TenantPath, int]:
        """Of requests; `()`: of all tenants that have no place of their own."""


class GpuCollector(Collector):
    """Register it once."""

    def __init__(self, account: GpuAccount) -> None:
        self._account = account

    def collect(self) -> Iterator[Metric]:
        engines = CounterMetricFamily(
            "evenhand_gpu_seconds",
            "Seconds of the engine's GPUs, by what they were spent on.",
            labels=["engine", "kind"],
        )
        for name, kinds in self._account.by_engine.items():
            for kind, gpu_us in kinds.items():
                engines.add_metric([name, kind], gpu_us / _US)
        tenants = CounterMetricFamily(
            "evenhand_tenant_gpu_seconds",
            "Seconds of GPUs that the tenant's requests were spent.",
            labels=["tenant"],
        )
        for path, gpu_us in self._account.by_tenant.items():
            label = distinct("/".join(path), OTHER) if path else OTHER
            tenants.add_metric([label], gpu_us / _US)
        yield from (engines, tenants)
