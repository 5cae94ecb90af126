"""A statement's GPU time: what a tenant's requests have taken of the hardware, and what that cost.

GPU time is kept by the hour, not by batches of the ledger. So a draft tells of those hours alone that
were over when the last entry before its cut came, and an issued statement keeps what it told.
"""

import json
import sqlite3
from typing import NamedTuple

from evenhand.ledger.gpu import GpuKind
from evenhand.stores.gpu_query import GpuQuery, read_gpu_time

HOUR_MS = 3_600_000
_SETTLES_MS = 300_000
"""After so long nothing more comes for an hour."""


class GpuCost(NamedTuple):
    """Microseconds of GPUs of one tenant's requests to one model: exact, and estimated. `nano` is their
    cost in nano-units by currency, where the engine has a price by the hour."""

    tenant: str
    model: str
    exact_us: int
    estimated_us: int
    nano: dict[str, int]


def gpu_until_ms(connection: sqlite3.Connection, batch: int) -> int:
    """Until before when a draft that is cut off there tells of GPU time. Raises sqlite3.Error."""
    (last_ms,) = connection.execute(
        "SELECT coalesce(max(at_ms), 0) FROM transfer WHERE batch <= ?", (batch,)
    ).fetchone()
    return int(last_ms - _SETTLES_MS) // HOUR_MS * HOUR_MS


def gpu_costs(
    connection: sqlite3.Connection, tenant: str, from_ms: int, to_ms: int
) -> tuple[GpuCost, ...]:
    """Of a tenant and all below it, by tenant and model. Raises sqlite3.Error."""
    query = GpuQuery(by=("tenant", "model"), tenant=tenant, from_ms=from_ms, to_ms=to_ms)
    return tuple(
        GpuCost(
            tenant=path,
            model=model,
            exact_us=line.gpu_us[GpuKind.EXACT],
            estimated_us=line.gpu_us[GpuKind.ESTIMATED],
            nano=dict(sorted(line.nano.items())),
        )
        for (path, model), line in read_gpu_time(connection, query).items()
    )


def gpu_text(costs: tuple[GpuCost, ...]) -> str:
    """As an issued statement keeps it."""
    return json.dumps(costs)


def gpu_of_text(text: str) -> tuple[GpuCost, ...]:
    """What it kept."""
    return tuple(GpuCost(*row) for row in json.loads(text))
