"""The last fifteen minutes in columns, for charts that begin full: a row for each sample, bounded by the
sampler's ring and by the tenants that a chart can show."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from evenhand.gateway.dashboard.slice import is_of
from evenhand.model import TenantPath
from evenhand.telemetry.samples import Sample

TENANTS_MAX: Final = 24
_COLUMNS: Final = ("units", "entitled_ppm", "received_ppm")
_ROWS_A_TURN: Final = 20_000
"""Of tenants looked at before the loop serves others: some 2 ms."""


async def past_json(samples: Sequence[Sample], tenant: TenantPath | None) -> dict[str, Any]:
    """Of the tenants that were served most; of one tenant's own leaves where `tenant` is set, and then
    nothing of all together."""
    paths = _leading(samples, tenant)
    told: dict[str, Any] = {
        "at_ms": [sample.at_ms for sample in samples],
        "tenants": await _tenants(samples, paths),
    }
    if tenant is not None:
        return told
    return told | {
        "units": [sample.units for sample in samples],
        "jain_1s_ppm": [sample.jain_1s_ppm for sample in samples],
        "jain_5min_ppm": [sample.jain_5min_ppm for sample in samples],
        "waiting": [sample.queue_requests for sample in samples],
        "lanes": _lanes(samples),
        "engines": _engines(samples),
    }


def _leading(samples: Sequence[Sample], tenant: TenantPath | None) -> list[TenantPath]:
    if not samples:
        return []
    rows = [row for row in samples[-1].tenants if tenant is None or is_of(row, tenant)]
    rows.sort(key=lambda row: -row.units_total)
    return [row.path for row in rows[:TENANTS_MAX]]


async def _tenants(samples: Sequence[Sample], paths: list[TenantPath]) -> dict[str, Any]:
    columns: dict[TenantPath, dict[str, list[int | None]]] = {
        path: {name: [None] * len(samples) for name in _COLUMNS} for path in paths
    }
    looked_at = 0
    for number, sample in enumerate(samples):
        for row in sample.tenants:
            column = columns.get(row.path)
            if column is not None:
                for name in _COLUMNS:
                    column[name][number] = getattr(row, name)
        looked_at += len(sample.tenants)
        if looked_at > _ROWS_A_TURN:
            looked_at = 0
            await asyncio.sleep(0)
    return {"/".join(path): column for path, column in columns.items()}


def _lanes(samples: Sequence[Sample]) -> dict[str, list[int | None]]:
    names = [lane.name for lane in samples[-1].lanes] if samples else []
    columns: dict[str, list[int | None]] = {name: [] for name in names}
    for sample in samples:
        queued = {lane.name: lane.queued for lane in sample.lanes}
        for name in names:
            columns[name].append(queued.get(name))
    return columns


def _engines(samples: Sequence[Sample]) -> dict[str, dict[str, list[int | None]]]:
    names = [engine.name for engine in samples[-1].engines] if samples else []
    columns: dict[str, dict[str, list[int | None]]] = {
        name: {"in_flight": [], "window": []} for name in names
    }
    for sample in samples:
        rows = {engine.name: engine for engine in sample.engines}
        for name in names:
            row = rows.get(name)
            columns[name]["in_flight"].append(None if row is None else row.in_flight)
            columns[name]["window"].append(None if row is None else row.window)
    return columns
