"""Whose GPU time, and what it cost: one query over the account, grouped as asked, beside a running
gateway."""

import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from evenhand.ledger.gpu import GpuKind, gpu_nano

Group = tuple[str, ...]

GPU_GROUPINGS: Mapping[str, str] = MappingProxyType(
    {
        "tenant": "tenant",
        "application": "application",
        "model": "model",
        "key": "key",
        "engine": "engine",
        "hour": "strftime('%Y-%m-%dT%H', hour / 1000000, 'unixepoch')",
        "day": "strftime('%Y-%m-%d', hour / 1000000, 'unixepoch')",
        "month": "strftime('%Y-%m', hour / 1000000, 'unixepoch')",
    }
)
"""What GPU time can be grouped by. Hours, days and months are UTC's. Time of nobody has an empty tenant,
application, model and key."""

_QUERY = """
SELECT {groups}, kind, currency, sum(gpu_us), sum(gpu_nano(gpu_us, price_nano))
FROM gpu_time
WHERE (:from_ms IS NULL OR hour >= :from_ms * 1000)
    AND (:to_ms IS NULL OR hour < :to_ms * 1000)
    AND (:tenant IS NULL OR tenant = :tenant
        OR substr(tenant, 1, length(:tenant) + 1) = :tenant || '/')
    AND (:application IS NULL OR application = :application)
    AND (:model IS NULL OR model = :model)
    AND (:key IS NULL OR key = :key)
    AND (:engine IS NULL OR engine = :engine)
GROUP BY {groups}, kind, currency
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuQuery:
    """`by` are keys of GPU_GROUPINGS. `tenant` selects a node of the share tree with all below it: then
    nobody's time is left out. The period is half open, in milliseconds since 1970, and of whole
    hours: an hour belongs to it if it begins in it."""

    by: tuple[str, ...]
    tenant: str | None = None
    application: str | None = None
    model: str | None = None
    key: str | None = None
    engine: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None


@dataclass(slots=True)
class GpuLine:
    """Microseconds of GPUs by kind, and their cost in nano-units by currency: `nano` of requests,
    `nano_of_nobody` of what is idle, down or away. Rows without a price cost nothing."""

    gpu_us: Counter[GpuKind] = field(default_factory=Counter)
    nano: Counter[str] = field(default_factory=Counter)
    nano_of_nobody: Counter[str] = field(default_factory=Counter)

    @property
    def used_us(self) -> int:
        """By requests."""
        return self.gpu_us[GpuKind.EXACT] + self.gpu_us[GpuKind.ESTIMATED]

    @property
    def total_us(self) -> int:
        """Of requests and of nobody: the wall time of the GPUs."""
        return self.gpu_us.total()


def read_gpu_time(connection: sqlite3.Connection, query: GpuQuery) -> dict[Group, GpuLine]:
    """The lines in the order of their groups. Raises sqlite3.Error."""
    connection.create_function("gpu_nano", 2, gpu_nano, deterministic=True)
    chosen = {
        name: getattr(query, name)
        for name in ("tenant", "application", "model", "key", "engine", "from_ms", "to_ms")
    }
    groups = ", ".join(GPU_GROUPINGS[name] for name in query.by) or "''"
    width = max(1, len(query.by))
    lines: dict[Group, GpuLine] = {}
    for row in connection.execute(_QUERY.format(groups=groups), chosen):
        group = row[:width] if query.by else ()
        line = lines.setdefault(group, GpuLine())
        kind, currency, gpu_us, nano = row[width:]
        line.gpu_us[GpuKind(kind)] += gpu_us
        if currency:
            is_used = kind in (GpuKind.EXACT, GpuKind.ESTIMATED)
            (line.nano if is_used else line.nano_of_nobody)[currency] += nano
    return dict(sorted(lines.items()))
