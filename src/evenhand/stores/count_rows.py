"""Rows of what engines have counted: in, out, and fewer of them as they grow old."""

import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from evenhand.ledger.reconciliation import EngineCount, Interval, LedgerUse, Sums
from evenhand.ledger.reconciliation.count import SUMS
from evenhand.model import EngineName

_HEAD = ("engine", "at_ms", "boot", "life", "input_tokens", "output_tokens")
_COLUMNS = (*_HEAD, "is_calm", "open_input", "open_output_most", *SUMS)
_INSERT = (
    f"INSERT OR REPLACE INTO engine_count ({', '.join(_COLUMNS)})"  # noqa: S608 - names of ours
    f" VALUES ({', '.join('?' * len(_COLUMNS))})"
)
_SELECT = (
    f"SELECT {', '.join(_COLUMNS[1:])} FROM engine_count"  # noqa: S608 - names of ours
    " WHERE engine = ? ORDER BY at_ms, boot, life"
)
_THIN = """
DELETE FROM engine_count AS own WHERE at_ms < ?
    AND EXISTS (SELECT 1 FROM engine_count AS later
        WHERE later.engine = own.engine AND later.boot = own.boot AND later.life = own.life
            AND later.at_ms > own.at_ms AND later.at_ms / 3600000 = own.at_ms / 3600000
            AND later.is_calm >= own.is_calm)
    AND EXISTS (SELECT 1 FROM engine_count AS sooner
        WHERE sooner.engine = own.engine AND sooner.boot = own.boot AND sooner.life = own.life
            AND sooner.at_ms < own.at_ms)
"""
_USED = """
SELECT ending.at_ms, ending.outcome = 'completed', ending.is_estimate,
    ending.input_tokens + coalesce(excess.input_tokens, 0),
    ending.output_tokens + coalesce(excess.output_tokens, 0)
FROM transfer AS ending
LEFT JOIN transfer AS excess ON excess.id = ending.id + 1 AND excess.kind = 'excess'
WHERE ending.kind = 'settle' AND ending.engine = ? AND ending.at_ms > ? AND ending.at_ms <= ?
"""


def write_counts(
    connection: sqlite3.Connection, counts: Iterable[tuple[EngineName, EngineCount]]
) -> None:
    """Within the caller's transaction. One that is there already is written over with itself."""
    connection.executemany(_INSERT, (_values(name, count) for name, count in counts))


def thin_counts(connection: sqlite3.Connection, before_ms: int) -> None:
    """Of what is older, keep one an hour, and the first of each run and each life of an engine: all
    figures are sums since then, so that what lies between is not lost."""
    connection.execute(_THIN, (before_ms,))


def counted_engines(connection: sqlite3.Connection) -> list[EngineName]:
    """All of which there are counts, in the order of their names."""
    rows = connection.execute("SELECT DISTINCT engine FROM engine_count ORDER BY engine")
    return [EngineName(name) for (name,) in rows]


def read_counts(connection: sqlite3.Connection, engine: EngineName) -> list[EngineCount]:
    """In the order of time."""
    return [_count(row) for row in connection.execute(_SELECT, (engine,))]


def ledger_use(
    connection: sqlite3.Connection, engine: EngineName, intervals: Sequence[Interval]
) -> list[LedgerUse]:
    """What was settled in each of the intervals, which follow each other."""
    uses = [LedgerUse() for _ in intervals]
    if not intervals:
        return uses
    ends_ms = [interval.to_ms for interval in intervals]
    rows = connection.execute(_USED, (engine, intervals[0].from_ms, ends_ms[-1]))
    for at_ms, is_completed, is_estimate, input_tokens, output_tokens in rows:
        use = uses[bisect_left(ends_ms, at_ms)]
        use.requests += 1
        use.completed += is_completed
        use.input_tokens += input_tokens
        use.output_tokens += output_tokens
        if is_estimate:
            use.estimated_input += input_tokens
            use.estimated_output += output_tokens
    return uses


def _values(name: EngineName, count: EngineCount) -> list[str | int]:
    head = [getattr(count, column) for column in _COLUMNS[1 : -len(SUMS)]]
    return [name, *map(int, head), *(getattr(count.sums, column) for column in SUMS)]


def _count(row: tuple[int, ...]) -> EngineCount:
    own = len(row) - len(SUMS)
    head = dict(zip(_COLUMNS[1:], row[:own], strict=False))
    sums = Sums(**dict(zip(SUMS, row[own:], strict=True)))
    is_calm = bool(head.pop("is_calm"))
    return EngineCount(**head, is_calm=is_calm, sums=sums)
