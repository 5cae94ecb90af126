"""Quantiles of the last minute, off histograms that only grow."""

from evenhand.telemetry.samples.recent_times import GENERATION_S, RecentTimes, quantile_ms
from evenhand.telemetry.tenant_metrics import TenantMetrics
from support.ended_request import ended_request

TENANT = ("a",)


def test_a_quantile_lies_in_its_bucket() -> None:
    bounds_s = (0.1, 0.2, 1.0)
    assert quantile_ms([0, 0, 0, 0], bounds_s, 50) is None
    assert quantile_ms([100, 0, 0, 0], bounds_s, 50) == 50
    assert quantile_ms([98, 0, 2, 0], bounds_s, 99) == 600
    assert quantile_ms([0, 10, 0, 0], bounds_s, 99) == 199
    assert quantile_ms([0, 0, 0, 7], bounds_s, 50) == 1_000


def test_what_is_longer_ago_than_a_minute_is_forgotten() -> None:
    metrics = TenantMetrics(10)
    times = RecentTimes(metrics, tenants_max=10)
    metrics.ended(ended_request(tenant=TENANT, ttft_ms=20_000.0))
    metrics.pace(TENANT, "m").observe(0.02, 5)
    row = times.of(TENANT, 0, 1)
    assert row.ttft_p99_ms is not None
    assert 10_000 < row.ttft_p99_ms <= 30_000
    assert row.inter_token_p50_ms is not None
    assert 15 < row.inter_token_p50_ms <= 20
    for second in range(2, 2 * GENERATION_S + 3):
        metrics.ended(ended_request(tenant=TENANT, ttft_ms=40.0))
        row = times.of(TENANT, 0, second)
    assert row.ttft_p99_ms is not None
    assert row.ttft_p99_ms <= 50
    assert row.inter_token_p50_ms is None


def test_a_gap_in_the_questions_forgets_as_well() -> None:
    metrics = TenantMetrics(10)
    times = RecentTimes(metrics, tenants_max=10)
    metrics.ended(ended_request(tenant=TENANT, ttft_ms=20_000.0))
    assert times.of(TENANT, 0, 1).ttft_p99_ms is not None
    assert times.of(TENANT, 0, 500).ttft_p99_ms is None


def test_who_has_no_histograms_has_no_times() -> None:
    metrics = TenantMetrics(1)
    times = RecentTimes(metrics, tenants_max=1)
    metrics.ended(ended_request(tenant=("first",)))
    metrics.ended(ended_request(tenant=TENANT))
    assert set(times.of(TENANT, 0, 1)) == {None}


def test_of_very_many_each_is_computed_now_and_then() -> None:
    metrics = TenantMetrics(1_000)
    times = RecentTimes(metrics, tenants_max=1_000)
    metrics.ended(ended_request(tenant=TENANT, ttft_ms=40.0))
    first = times.of(TENANT, 3, 1)
    for _ in range(50):
        metrics.ended(ended_request(tenant=TENANT, ttft_ms=20_000.0))
    rows = [times.of(TENANT, 3, second) for second in range(2, 12)]
    assert first in rows
    assert rows[-1] != first
