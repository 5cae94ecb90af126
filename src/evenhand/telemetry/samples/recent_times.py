"""Quantiles of the last half minute to a minute, read off histograms that only grow."""

from collections.abc import Sequence
from typing import NamedTuple

from evenhand.model import TenantPath
from evenhand.telemetry.histogram import SecondsHistogram
from evenhand.telemetry.tenant_metrics import INTER_TOKEN_S, TenantMetrics

GENERATION_S = 30


class Times(NamedTuple):
    """Milliseconds, as exact as the bounds of the histograms are narrow; None: nothing came."""

    wait_p99_ms: int | None = None
    ttft_p50_ms: int | None = None
    ttft_p99_ms: int | None = None
    inter_token_p50_ms: int | None = None
    inter_token_p99_ms: int | None = None


_NONE = Times()
_Counts = tuple[int, ...]


class RecentTimes:
    """Asked of the same tenants second by second. A tenant's row is computed anew every
    `tenants_max / 100` seconds, so that a tick costs the same however many there are."""

    def __init__(self, metrics: TenantMetrics, *, tenants_max: int) -> None:
        self._metrics = metrics
        self._every = -(-tenants_max // 100)
        # Both bounded by the tenants that have histograms of their own.
        self._bases: dict[TenantPath, tuple[int, list[_Counts], list[_Counts]]] = {}
        self._rows: dict[TenantPath, Times] = {}

    def of(self, tenant: TenantPath, place: int, second: int) -> Times:
        """`place` is the tenant's in the sample, `second` counts up."""
        if (place + second) % self._every and tenant in self._rows:
            return self._rows[tenant]
        times = self._metrics.named(tenant)
        if times is None:
            return _NONE
        pace = SecondsHistogram.sum(INTER_TOKEN_S, times.inter_token.values())
        histograms = (times.queue_wait, times.ttft, pace)
        now = [histogram.counts() for histogram in histograms]
        wait, ttft, gap = (
            _since(counts, base)
            for counts, base in zip(now, self._base(tenant, now, second), strict=True)
        )
        waits, ttfts, gaps = (histogram.bounds_s for histogram in histograms)
        row = self._rows[tenant] = Times(
            quantile_ms(wait, waits, 99),
            quantile_ms(ttft, ttfts, 50),
            quantile_ms(ttft, ttfts, 99),
            quantile_ms(gap, gaps, 50),
            quantile_ms(gap, gaps, 99),
        )
        return row

    def _base(self, tenant: TenantPath, now: list[_Counts], second: int) -> list[_Counts]:
        """The counts of half a minute to a minute ago."""
        known = self._bases.get(tenant)
        if known is None:
            zero = [(0,) * len(counts) for counts in now]
            known = self._bases[tenant] = (second, zero, zero)
        since, before, newer = known
        if second - since >= GENERATION_S:
            stale = second - since >= 2 * GENERATION_S
            self._bases[tenant] = (second, now if stale else newer, now)
            return now if stale else newer
        return before


def _since(counts: _Counts, base: _Counts) -> list[int]:
    return [now - then for now, then in zip(counts, base, strict=True)]


def quantile_ms(counts: Sequence[int], bounds_s: Sequence[float], percent: int) -> int | None:
    """Below which that part of the observations lies, taken to be spread evenly in their bucket, as
    Prometheus does; beyond the last bound, that bound."""
    total = sum(counts)
    if not total:
        return None
    wanted, up_to, lower_s = total * percent / 100, 0, 0.0
    for count, bound_s in zip(counts, bounds_s, strict=False):
        if count and up_to + count >= wanted:
            inside = (wanted - up_to) / count
            return max(1, round((lower_s + (bound_s - lower_s) * inside) * 1000))
        up_to += count
        lower_s = bound_s
    return round(bounds_s[-1] * 1000)
