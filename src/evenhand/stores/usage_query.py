"""Who has used what: one query over the transfers, grouped as asked, beside a running gateway.

A request counts once, at the time and with the engine of what resolved it; its excess and its time of
GPUs are part of it.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from evenhand.stores.usage_line import Group, UsageLine

GROUPINGS: Mapping[str, str] = MappingProxyType(
    {
        "tenant": "consumer.tenant",
        "application": "consumer.application",
        "model": "model.model",
        "key": "consumer.key",
        "engine": "coalesce(ending.engine, '')",
        "day": "strftime('%Y-%m-%d', ending.at_ms / 1000, 'unixepoch')",
        "month": "strftime('%Y-%m', ending.at_ms / 1000, 'unixepoch')",
    }
)
"""What usage can be grouped by. Days and months are UTC's."""

_WHILE_OPEN = ("engine", "day", "month")
"""What only the end of a request decides."""

_ENDED = """
SELECT {groups},
    consumer.currency, ending.kind, ending.outcome, ending.is_estimate, count(*),
    sum(ending.input_tokens + coalesce(excess.input_tokens, 0)),
    sum(ending.cached_input_tokens + coalesce(excess.cached_input_tokens, 0)),
    sum(ending.output_tokens + coalesce(excess.output_tokens, 0)),
    sum(ending.units),
    sum(ending.nano + coalesce(excess.nano, 0) + coalesce(gpu.nano, 0)),
    sum(ending.reasoning_tokens + coalesce(excess.reasoning_tokens, 0)),
    sum(coalesce(gpu.gpu_us, 0))
FROM transfer AS ending
JOIN account AS consumer ON consumer.number = ending.debit
JOIN account AS model ON model.number = ending.credit
LEFT JOIN transfer AS excess ON excess.id = ending.id + 1
LEFT JOIN transfer AS gpu ON gpu.id = ending.id + 2
WHERE ending.kind IN ('settle', 'void', 'expire')
    AND (:from_ms IS NULL OR ending.at_ms >= :from_ms)
    AND (:to_ms IS NULL OR ending.at_ms < :to_ms)
    {filters}
GROUP BY {groups}, consumer.currency, ending.kind, ending.outcome, ending.is_estimate
"""

_OPEN = """
SELECT {groups},
    consumer.currency, count(*), sum(hold.input_tokens + hold.output_tokens), sum(hold.nano)
FROM transfer AS hold
JOIN account AS consumer ON consumer.number = hold.debit
JOIN account AS model ON model.number = hold.credit
WHERE hold.kind = 'hold' AND hold.id >= 4 * (SELECT open_from FROM ledger)
    AND NOT EXISTS (SELECT 1 FROM transfer WHERE id = hold.id + 1)
    {filters}
GROUP BY {groups}, consumer.currency
"""

_FILTERS = """
    AND (:tenant IS NULL OR consumer.tenant = :tenant
        OR substr(consumer.tenant, 1, length(:tenant) + 1) = :tenant || '/')
    AND (:application IS NULL OR consumer.application = :application)
    AND (:model IS NULL OR model.model = :model)
    AND (:key IS NULL OR consumer.key = :key)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageQuery:
    """`by` are keys of GROUPINGS. `tenant` selects a node of the share tree with all below it. The
    period is half open, in milliseconds since 1970. `with_open`: what is held now, too."""

    by: tuple[str, ...]
    tenant: str | None = None
    application: str | None = None
    model: str | None = None
    key: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    with_open: bool = True


def read_usage(connection: sqlite3.Connection, query: UsageQuery) -> dict[Group, UsageLine]:
    """The lines in the order of their groups. Raises sqlite3.Error."""
    chosen = {
        "tenant": query.tenant,
        "application": query.application,
        "model": query.model,
        "key": query.key,
        "from_ms": query.from_ms,
        "to_ms": query.to_ms,
    }
    width = len(query.by)
    lines: defaultdict[Group, UsageLine] = defaultdict(UsageLine)
    connection.execute("BEGIN")  # both questions about one moment
    try:
        groups = ", ".join(GROUPINGS[name] for name in query.by)
        for row in connection.execute(_ENDED.format(groups=groups, filters=_FILTERS), chosen):
            _add_ended(lines[row[:width]], row[width:])
        if query.with_open:
            groups = ", ".join("''" if n in _WHILE_OPEN else GROUPINGS[n] for n in query.by)
            for row in connection.execute(_OPEN.format(groups=groups, filters=_FILTERS), chosen):
                _add_open(lines[row[:width]], row[width:])
    finally:
        connection.execute("ROLLBACK")
    return dict(sorted(lines.items()))


def _add_ended(line: UsageLine, row: tuple[Any, ...]) -> None:
    currency, kind, outcome, is_estimate, requests, *figures = row
    input_tokens, cached, output, units, nano, reasoning, gpu_us = figures
    line.outcomes[outcome] += requests
    line.charged += requests if kind == "settle" else 0
    line.input_tokens += input_tokens
    line.cached_input_tokens += cached
    line.output_tokens += output
    line.reasoning_tokens += reasoning
    line.gpu_us += gpu_us
    line.estimated_tokens += (input_tokens + output) if is_estimate else 0
    line.units += units
    if currency:
        line.nano[currency] += nano


def _add_open(line: UsageLine, row: tuple[str, int, int, int]) -> None:
    currency, requests, tokens, nano = row
    line.open_requests += requests
    line.held_tokens += tokens
    if currency:
        line.held_nano[currency] += nano
