"""Checks of ids: each request has one hold, each hold one resolution at most, and none is missing.

A hold's id is four times its number; whatever resolves it has the next id, an excess the one after, and
the time of GPUs the last. A correction stands where a hold would, and nothing follows it.
"""

import sqlite3

from evenhand.stores.audit.looked import Looked, counted, looked

_TRANSFERS = "SELECT count(*) FROM transfer"
_HOLDS = "SELECT count(*) FROM transfer WHERE id % 4 = 0"


def ids_fit_kinds(connection: sqlite3.Connection) -> Looked:
    """All three ways to resolve a hold share one id, so two of them cannot both be there."""
    rows = connection.execute(
        "SELECT id, kind FROM transfer WHERE id < 4 OR id % 4 IS NOT CASE kind "
        "WHEN 'hold' THEN 0 WHEN 'correct' THEN 0 WHEN 'settle' THEN 1 WHEN 'void' THEN 1 "
        "WHEN 'expire' THEN 1 WHEN 'excess' THEN 2 WHEN 'gpu_time' THEN 3 END"
    )
    at = counted(connection, "transfer", _TRANSFERS)
    return looked(at, (f"transfer {id_}: this is no id of a {kind!r}" for id_, kind in rows))


def all_have_holds(connection: sqlite3.Connection) -> Looked:
    """Nothing is resolved that was never held, and neither an excess nor the time of GPUs stands
    without its settlement."""
    rows = connection.execute(
        "SELECT id, kind FROM transfer AS later "
        "WHERE id % 4 = 1 AND NOT EXISTS "
        "(SELECT 1 FROM transfer WHERE id = later.id - 1 AND kind = 'hold') "
        "OR id % 4 >= 2 AND NOT EXISTS "
        "(SELECT 1 FROM transfer WHERE id = later.id - later.id % 4 + 1 AND kind = 'settle')"
    )
    later = "SELECT count(*) FROM transfer WHERE id % 4 > 0"
    at = counted(connection, "later transfer", later)
    return looked(at, (f"transfer {id_} ({kind}) has nothing before it" for id_, kind in rows))


def holds_are_gapless(connection: sqlite3.Connection) -> Looked:
    """Holds and corrections are numbered from 1 without gaps, so that a missing one is missed."""
    rows = connection.execute(
        "SELECT id / 4 FROM transfer AS hold WHERE id % 4 = 0 AND id > 4 "
        "AND NOT EXISTS (SELECT 1 FROM transfer WHERE id = hold.id - 4)"
    )
    at = counted(connection, "hold", _HOLDS)
    return looked(at, (f"hold {number}: there is no hold {number - 1}" for (number,) in rows))


def requests_are_held_once(connection: sqlite3.Connection) -> Looked:
    """A request has one hold; the request's id stands there and nowhere else."""
    twice = connection.execute(
        "SELECT 'request ' || request || ' has ' || count(*) || ' holds' FROM transfer "
        "WHERE request IS NOT NULL GROUP BY request HAVING count(*) > 1"
    )
    misplaced = connection.execute(
        "SELECT 'transfer ' || id || ' (' || kind || ') has ' || "
        "iif(request IS NULL, 'no request', 'a request') FROM transfer "
        "WHERE (coalesce(request, '') <> '') <> (kind = 'hold') "
        "OR (price IS NOT NULL) <> (kind = 'hold')"
    )
    at = counted(connection, "request", "SELECT count(DISTINCT request) FROM transfer")
    return looked(at, (text for rows in (twice, misplaced) for (text,) in rows))
