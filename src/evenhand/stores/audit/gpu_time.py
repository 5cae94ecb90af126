"""Checks of the account of GPU time."""

import sqlite3
from collections.abc import Iterator

from evenhand.stores.audit.looked import Looked, counted, looked

_SUMS = """
SELECT engine, gpu_engine.gpu_us, coalesce(sum(gpu_time.gpu_us), 0)
FROM gpu_engine LEFT JOIN gpu_time USING (engine)
GROUP BY engine HAVING gpu_engine.gpu_us <> coalesce(sum(gpu_time.gpu_us), 0)
UNION ALL
SELECT engine, 0, sum(gpu_us) FROM gpu_time
WHERE engine NOT IN (SELECT engine FROM gpu_engine) GROUP BY engine
"""


def rows_are_the_wall_time(connection: sqlite3.Connection) -> Looked:
    """All that an engine's rows have is what was booked while its account went on."""
    at = counted(connection, "row", "SELECT count(*) FROM gpu_time")
    return looked(at, _faults(connection))


def _faults(connection: sqlite3.Connection) -> Iterator[str]:
    for engine, booked, found in connection.execute(_SUMS):
        yield f"engine {engine} was booked {booked} us of GPUs, and its rows have {found}"
