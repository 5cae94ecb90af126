"""What the documents say of outcomes and metrics is what there is."""

import re
from pathlib import Path
from typing import ClassVar

from evenhand.cli.outcomes_page import MEANINGS, outcomes_text
from evenhand.gateway.retry_budget import RetryBudget
from evenhand.ledger import BudgetStanding
from evenhand.ledger.gpu import GpuKind
from evenhand.model import EngineName, Outcome, TenantPath
from evenhand.scheduling import Scheduler, SchedulerSettings, TenantShare, compose
from evenhand.scheduling.prefixes import Prefixes
from evenhand.scheduling.shadow import Shadow
from evenhand.telemetry import (
    BudgetCollector,
    CertificateCollector,
    GpuCollector,
    HealthCollector,
    LaneCollector,
    LedgerCollector,
    Metrics,
    ObservedCollector,
    PrefixCollector,
    SchedulerCollector,
    SignalCollector,
    WindowCollector,
)
from evenhand.telemetry.alarm_collector import AlarmCollector
from evenhand.telemetry.alarms import Alarms, AlarmSettings
from evenhand.telemetry.sample_collector import SampleCollector
from evenhand.telemetry.traces import TraceCollector, Traces

OPERATING = Path(__file__).parents[3] / "docs" / "operating.md"


class SoundLedger:
    is_open = True
    waiting_entries = 0
    open_holds = 0


class NoBudgets:
    soft_exceeded = 0

    def budgets(self) -> tuple[BudgetStanding, ...]:
        return ()


class NoExport:
    def send(self, _: object) -> bool:
        raise AssertionError("nothing is exported here")


class NoGpus:
    by_engine: ClassVar[dict[EngineName, dict[GpuKind, int]]] = {}
    by_tenant: ClassVar[dict[TenantPath, int]] = {}


def test_every_outcome_is_explained() -> None:
    assert set(MEANINGS) == set(Outcome)
    assert all(f"`{outcome}`" in outcomes_text() for outcome in Outcome)


def test_the_metrics_of_the_page_are_those_of_the_gateway() -> None:
    metrics = Metrics(models=["m"], version="1")
    asks_overload = compose("fairserve")
    settings = SchedulerSettings(tenants=(TenantShare(name="a"),), policy=asks_overload)
    scheduler = Scheduler(settings)
    scheduler.engine_changed("e", window=1, models=["m"])  # type: ignore[arg-type, list-item]
    metrics.registry.register(SchedulerCollector(scheduler, tenants_max=10))
    metrics.registry.register(LaneCollector(scheduler, lambda: 0))
    metrics.registry.register(LedgerCollector(SoundLedger))
    metrics.registry.register(BudgetCollector(NoBudgets()))
    shadow = Shadow(scheduler.settings, tenants_max=10)
    metrics.registry.register(ObservedCollector(shadow.observation))
    metrics.registry.register(CertificateCollector([]))
    metrics.registry.register(SignalCollector(list))
    prefixes = PrefixCollector(Prefixes(1 << 20), heard=dict, tokenised=dict)
    metrics.registry.register(prefixes)
    metrics.registry.register(WindowCollector({}))
    metrics.registry.register(HealthCollector(list, RetryBudget()))
    metrics.registry.register(SampleCollector(lambda: None))
    metrics.registry.register(GpuCollector(NoGpus()))
    metrics.registry.register(AlarmCollector(Alarms(AlarmSettings())))
    metrics.registry.register(TraceCollector(Traces(NoExport(), sample_percent=0)))
    exposed = set(re.findall(r"^# TYPE (evenhand_\w+)", metrics.render().decode(), re.MULTILINE))
    named = set(re.findall(r"evenhand_\w+", OPERATING.read_text()))
    assert exposed - {"evenhand_build_info"} == named
