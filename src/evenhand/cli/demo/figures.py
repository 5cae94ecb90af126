"""The figures of one run: what each tenant got, and how evenly."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from evenhand.cli.demo.entitlement import Window, seconds_active, windows
from evenhand.cli.demo.quantile import Quantile, quantile
from evenhand.cli.demo.record import End, Record
from evenhand.cli.demo.service import (
    COST,
    credits_of,
    gap_max_s,
    tokens_per_character,
    usage_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantFigures:
    """One tenant in one run. Seconds, tokens, service units; shares are parts of 1."""

    sent: int
    completed: int
    failed: int
    refused: int
    """Turned away by the policy (429)."""
    cut: int
    """Still open when the phase ended, and then closed by the client."""
    censored: int
    """Those of them that had no token yet: their waiting so far is a lower bound."""
    troubles: Mapping[str, int]
    ttft_p50: Quantile | None
    ttft_p99: Quantile | None
    input_tokens: int
    output_tokens: int
    service: int
    share_promised: float
    """Mean entitlement (see entitlement.py) while all tenants had requests open."""
    share_received: float
    gap_max_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """One run. `tokens_per_s` counts input and output that the engine computed: no cached input."""

    seconds: float
    tenants: Mapping[str, TenantFigures]
    jain: float | None
    tokens_per_s: float
    service_per_s: float
    all_active_s: float
    """How many seconds the shares were measured in."""


def figures(records: Sequence[Record], *, tenants: Mapping[str, int], seconds: float) -> RunFigures:
    """Measure a run from what its clients saw. `tenants` gives the weight of each."""
    density = tokens_per_character(records)
    by_tenant = {name: [r for r in records if r.tenant == name] for name in tenants}
    all_windows = windows(by_tenant, tenants, density=density, seconds=seconds)
    active = [seconds_active(of_tenant, seconds=seconds) for of_tenant in by_tenant.values()]
    in_all = frozenset.intersection(*active)
    shared = [w for number, w in enumerate(all_windows) if number in in_all and w.units]
    jains = [w.jain for w in all_windows if w.jain is not None]
    received = [c for r in records for c in credits_of(r, density=density, seconds=seconds)]
    return RunFigures(
        seconds=seconds,
        tenants={
            name: _of_tenant(name, by_tenant[name], shared, density=density, seconds=seconds)
            for name in tenants
        },
        jain=fmean(jains) if jains else None,
        tokens_per_s=sum(credit.tokens for credit in received) / seconds,
        service_per_s=sum(credit.units for credit in received) / seconds,
        all_active_s=float(len(shared)),
    )


def _of_tenant(
    name: str,
    records: Sequence[Record],
    shared: Sequence[Window],
    *,
    density: float,
    seconds: float,
) -> TenantFigures:
    ends = Counter(record.end for record in records)
    waits = [r.first_token_at - r.sent_at for r in records if r.first_token_at is not None]
    bounds = [seconds - r.sent_at for r in records if r.first_token_at is None and r.end is End.CUT]
    usages = [usage_of(record, density=density) for record in records]
    units = sum(window.units for window in shared)
    return TenantFigures(
        sent=len(records),
        completed=ends[End.DONE],
        failed=ends[End.FAILED],
        refused=ends[End.REFUSED],
        cut=ends[End.CUT],
        censored=len(bounds),
        troubles=Counter(r.trouble for r in records if r.end is End.FAILED),
        ttft_p50=quantile(0.5, waits, bounds),
        ttft_p99=quantile(0.99, waits, bounds),
        input_tokens=sum(usage.input_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        service=sum(COST.of(usage) for usage in usages),
        share_promised=sum(w.entitled.get(name, 0.0) for w in shared) / units if units else 0.0,
        share_received=sum(w.received[name] for w in shared) / units if units else 0.0,
        gap_max_s=gap_max_s(records, seconds=seconds),
    )
