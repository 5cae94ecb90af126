"""Who has used what: one query over the transfers, grouped as asked, beside a running gateway.

A request counts once, with what resolved it; every amount counts where it was booked: at that time, in
that batch, with the engine of its request.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from evenhand.stores.usage_line import Group, UsageLine

GROUPINGS: Mapping[str, str] = MappingProxyType(
    {
        "tenant": "consumer.tenant",
        "application": "consumer.application",
        "model": "model.model",
        "key": "consumer.key",
        "engine": "coalesce(entry.engine, ending.engine, '')",
        "day": "strftime('%Y-%m-%d', entry.at_ms / 1000, 'unixepoch')",
        "month": "strftime('%Y-%m', entry.at_ms / 1000, 'unixepoch')",
    }
)
"""What usage can be grouped by. Days and months are UTC's."""

_INNER = MappingProxyType(
    {"currency": "consumer.currency", "price": "hold.price", "statement": "issued.number"}
)
"""What statements group by beside that: the number of the price at which a request was held (none of a
correction), the currency, and the number of the issued statement into whose period an entry falls."""

_ENDINGS = ("settle", "void", "expire")
_WHILE_OPEN = ("engine", "day", "month")
"""What only the end of a request decides."""

_BOOKED = """
SELECT {groups},
    consumer.currency, entry.kind, entry.outcome,
    coalesce(entry.is_estimate, ending.is_estimate, 0), count(*),
    sum(entry.input_tokens), sum(entry.cached_input_tokens), sum(entry.output_tokens),
    coalesce(sum(entry.units), 0), sum(entry.nano), sum(entry.reasoning_tokens), sum(entry.gpu_us)
FROM transfer AS entry
JOIN account AS consumer ON consumer.number = entry.debit
JOIN account AS model ON model.number = entry.credit
LEFT JOIN transfer AS ending
    ON entry.kind IN ('excess', 'gpu_time') AND ending.id = entry.id - entry.id % 4 + 1
{joins}
WHERE entry.kind {kinds}
    AND (:from_ms IS NULL OR entry.at_ms >= :from_ms)
    AND (:to_ms IS NULL OR entry.at_ms < :to_ms)
    AND (:after IS NULL OR entry.batch > :after)
    AND (:cut IS NULL OR entry.batch <= :cut)
    {filters}
GROUP BY {groups}, consumer.currency, entry.kind, entry.outcome,
    coalesce(entry.is_estimate, ending.is_estimate, 0)
"""

_HOLD = "LEFT JOIN transfer AS hold ON hold.id = entry.id - entry.id % 4"
_LATE = """
JOIN statement AS issued ON issued.tenant = :tenant AND issued.number <= :last
    AND entry.at_ms >= issued.from_ms AND entry.at_ms < issued.to_ms
    AND NOT (entry.at_ms >= :not_from_ms AND entry.at_ms < :not_to_ms)
"""

_OPEN = """
SELECT {groups},
    consumer.currency, count(*), sum(hold.input_tokens + hold.output_tokens), sum(hold.nano)
FROM transfer AS hold
JOIN account AS consumer ON consumer.number = hold.debit
JOIN account AS model ON model.number = hold.credit
WHERE hold.kind = 'hold'
    AND hold.id >= iif(:cut IS NULL, 4 * (SELECT open_from FROM ledger), 0)
    AND (:cut IS NULL OR hold.batch <= :cut)
    AND NOT EXISTS (
        SELECT 1 FROM transfer WHERE id = hold.id + 1 AND (:cut IS NULL OR batch <= :cut)
    )
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
    period is half open, in milliseconds since 1970. `with_open`: what is held now, too. `after` and
    `cut` bound the batches of the ledger in which an entry came: later than the one, and not later than
    the other."""

    by: tuple[str, ...]
    tenant: str | None = None
    application: str | None = None
    model: str | None = None
    key: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    with_open: bool = True
    with_corrections: bool = True
    after: int | None = None
    cut: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Only entries in the periods of the tenant's issued statements up to number `last`, and outside
    the period that is looked at."""

    last: int
    not_from_ms: int
    not_to_ms: int


def read_usage(connection: sqlite3.Connection, query: UsageQuery) -> dict[Group, UsageLine]:
    """The lines in the order of their groups. Raises sqlite3.Error."""
    connection.execute("BEGIN")  # both questions about one moment
    try:
        lines = booked(connection, query)
        if query.with_open:
            for group, line in still_open(connection, query).items():
                lines.setdefault(group, UsageLine()).add(line)
    finally:
        connection.execute("ROLLBACK")
    return dict(sorted(lines.items()))


def booked(
    connection: sqlite3.Connection, query: UsageQuery, late: Late | None = None
) -> dict[Group, UsageLine]:
    """What has ended or was corrected. Raises sqlite3.Error."""
    expressions = {**GROUPINGS, **_INNER}
    groups = ", ".join(expressions[name] for name in query.by)
    joins = (_HOLD if "price" in query.by else "") + (_LATE if late else "")
    kinds = "<> 'hold'" if query.with_corrections else "NOT IN ('hold', 'correct')"
    asked = _BOOKED.format(groups=groups, joins=joins, kinds=kinds, filters=_FILTERS)
    chosen = asdict(query) | (asdict(late) if late else {})
    width = len(query.by)
    lines: defaultdict[Group, UsageLine] = defaultdict(UsageLine)
    for row in connection.execute(asked, chosen):
        _add_booked(lines[row[:width]], row[width:])
    return lines


def still_open(connection: sqlite3.Connection, query: UsageQuery) -> dict[Group, UsageLine]:
    """What is held, at the cut or now. Raises sqlite3.Error."""
    expressions = {**GROUPINGS, **_INNER}
    groups = ", ".join("''" if n in _WHILE_OPEN else expressions[n] for n in query.by)
    asked = _OPEN.format(groups=groups, filters=_FILTERS)
    width = len(query.by)
    lines: defaultdict[Group, UsageLine] = defaultdict(UsageLine)
    for row in connection.execute(asked, asdict(query)):
        _add_open(lines[row[:width]], row[width:])
    return lines


def _add_booked(line: UsageLine, row: tuple[Any, ...]) -> None:
    currency, kind, outcome, is_estimate, count, *figures = row
    input_tokens, cached, output, units, nano, reasoning, gpu_us = figures
    if kind in _ENDINGS:
        line.outcomes[outcome] += count
        line.charged += count if kind == "settle" else 0
    line.input_tokens += input_tokens
    line.cached_input_tokens += cached
    line.output_tokens += output
    line.reasoning_tokens += reasoning
    line.gpu_us += gpu_us
    line.estimated_tokens += (input_tokens + output) if is_estimate else 0
    line.units += units
    if currency:
        line.nano[currency] += nano
    if kind == "correct":
        line.corrections += count
        if currency:
            line.corrected_nano[currency] += nano


def _add_open(line: UsageLine, row: tuple[str, int, int, int]) -> None:
    currency, requests, tokens, nano = row
    line.open_requests += requests
    line.held_tokens += tokens
    if currency:
        line.held_nano[currency] += nano
