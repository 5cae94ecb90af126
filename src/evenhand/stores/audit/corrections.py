"""The check of corrections: somebody answers for each, and says why."""

import sqlite3

from evenhand.stores.audit.looked import Looked, counted, looked

_IS_THERE = "SELECT count(*) FROM sqlite_schema WHERE name = 'correction'"


def corrections_have_reasons(connection: sqlite3.Connection) -> Looked:
    """A correction's transfer has one row with author and reason; a request that it names was held."""
    (is_there,) = connection.execute(_IS_THERE).fetchone()
    if not is_there:
        return Looked("of before there were any")  # an older schema, on its way up
    rows = connection.execute(
        "SELECT 'transfer ' || transfer.id || ' is a correction without a reason' FROM transfer "
        "LEFT JOIN correction ON correction.transfer = transfer.id WHERE transfer.kind = 'correct' "
        "AND coalesce(correction.reference = '' OR author = '' OR reason = '', 1) "
        "UNION ALL SELECT 'the reason ' || reference || ' is of no correction' FROM correction "
        "WHERE NOT EXISTS (SELECT 1 FROM transfer WHERE id = correction.transfer AND kind = 'correct') "
        "UNION ALL SELECT 'correction ' || reference || ' names the request ' || request "
        "|| ', which was never held' FROM correction WHERE request IS NOT NULL "
        "AND request NOT IN (SELECT request FROM transfer WHERE request IS NOT NULL)"
    )
    at = counted(connection, "correction", "SELECT count(*) FROM correction")
    return looked(at, (text for (text,) in rows))
