"""The page of `mode: observe`: both orders side by side, and in words what would change."""

from collections.abc import Sequence
from typing import Any

from evenhand.gateway.shadow_host import ShadowHost
from evenhand.scheduling.shadow import OTHERS, RECENT_MS, Comparison, Tally

_SAME_MS = 5
_SAME_PART = 20
"""Means that differ by no more than 5 ms or a twentieth of the longer are called the same."""


def observed_page(shadow: ShadowHost) -> dict[str, Any]:
    """Everything, as JSON-ready values. Bounded by the rows that the shadow keeps."""
    found = shadow.observation()
    page: dict[str, Any] = {"mode": "observe", "policy": shadow.preset, "failure": shadow.failure}
    if found is None:
        return page
    return page | {
        "behind_ms": max(0, shadow.now_ms() - found.at_ms),
        "open_requests": found.remembered,
        "paused": found.is_paused,
        "resets": found.resets,
        "unobserved_requests": found.unobserved,
        "requests_of_unknown_service": found.unknown_service,
        "recent_s": RECENT_MS // 1000,
        "recent": _rows(found.recent),
        "in_all": _rows(found.in_all),
    }


def _rows(rows: Sequence[Comparison]) -> list[dict[str, Any]]:
    units_arrival = sum(row.arrival.contended_units for row in rows)
    units_fair = sum(row.fair.contended_units for row in rows)
    return [
        {
            "tenant": None if row.tenant == OTHERS else "/".join(row.tenant),
            "arrival": _side(row.arrival, units_arrival),
            "fair": _side(row.fair, units_fair),
            "effect": _effect(row),
            "sentence": _sentence(row),
        }
        for row in rows
    ]


def _side(tally: Tally, units: int) -> dict[str, Any]:
    waits = tally.waits
    return {
        "requests": waits.count,
        "unserved_requests": tally.unserved,
        "wait_ms": {
            "mean": waits.mean_ms(),
            "p50": waits.quantile_ms(50),
            "p95": waits.quantile_ms(95),
        },
        "contended_units": tally.contended_units,
        "contended_share": tally.contended_units / units if units else None,
    }


def _effect(row: Comparison) -> str:
    arrival, fair = row.arrival.waits.mean_ms(), row.fair.waits.mean_ms()
    if arrival is None or fair is None:
        return "unknown"
    if abs(fair - arrival) <= max(_SAME_MS, max(fair, arrival) // _SAME_PART):
        return "same"
    return "gains" if fair < arrival else "loses"


def _sentence(row: Comparison) -> str:
    name = "All others together" if row.tenant == OTHERS else "/".join(row.tenant)
    effect = _effect(row)
    arrival, fair = row.arrival.waits.mean_ms(), row.fair.waits.mean_ms()
    if arrival is None or fair is None:
        return f"{name}: nothing has ended in both orders yet."
    if effect == "same":
        return f"{name} would wait as long as now, {_seconds(arrival)} on average."
    less_or_more = "less" if effect == "gains" else "more"
    return (
        f"{name} would wait {less_or_more}: {_seconds(fair)} on average instead of"
        f" {_seconds(arrival)}."
    )


def _seconds(ms: int) -> str:
    return f"{ms} ms" if ms < 1000 else f"{ms / 1000:.1f} s"
