"""Checks of how requests ended: outcomes, marks, where open holds begin, and times."""

import json
import sqlite3

from evenhand.model import Outcome
from evenhand.stores.audit.looked import Looked, counted, looked

_ENDED = "SELECT count(*) FROM transfer WHERE id % 4 = 1"
_DAY_MS = 86_400_000
_FIRST_MS = 1_577_836_800_000
"""2020 began. No ledger is older."""


def outcomes_are_known(connection: sqlite3.Connection) -> Looked:
    """Each end has an outcome that exists and fits its kind; the other kinds have none."""
    known = json.dumps([outcome.value for outcome in Outcome])
    rows = connection.execute(
        "SELECT id, kind, coalesce(outcome, 'none') FROM transfer WHERE NOT CASE "
        "WHEN kind IN ('hold', 'excess', 'gpu_time', 'correct') THEN outcome IS NULL "
        "AND engine IS NULL AND units IS NULL AND is_estimate IS NULL "
        "ELSE coalesce(outcome IN (SELECT value FROM json_each(?)) AND units >= 0 "
        "AND is_estimate IN (0, 1), 0) AND CASE kind "
        # A settlement by the next gateway does not know the engine, and is of something marked.
        "WHEN 'settle' THEN (engine IS NULL) = (outcome = 'gateway_died') "
        "AND (engine IS NOT NULL OR units = 0 AND input_tokens + output_tokens > 0) "
        "WHEN 'void' THEN outcome <> 'gateway_died' AND engine IS NULL AND units = 0 "
        "AND is_estimate = 0 "
        "WHEN 'expire' THEN outcome = 'gateway_died' AND engine IS NULL AND units = 0 "
        "AND is_estimate = 0 ELSE 0 END END",
        (known,),
    )
    at = counted(connection, "ended request", _ENDED)
    return looked(at, (f"transfer {id_} ({kind}) has the outcome {how}" for id_, kind, how in rows))


def marks_are_of_open_holds(connection: sqlite3.Connection) -> Looked:
    """A mark says what an open request has used so far; it goes when the request is resolved."""
    rows = connection.execute(
        "SELECT number, CASE WHEN hold.id IS NULL THEN 'has no hold' "
        "WHEN ending.id IS NOT NULL THEN 'is of a hold that is resolved' "
        "ELSE 'has impossible amounts' END FROM mark "
        "LEFT JOIN transfer AS hold ON hold.id = number * 4 "
        "LEFT JOIN transfer AS ending ON ending.id = number * 4 + 1 "
        "WHERE hold.id IS NULL OR ending.id IS NOT NULL "
        "OR min(mark.input_tokens, mark.cached_input_tokens, mark.reasoning_tokens) < 0 "
        "OR mark.reasoning_tokens > mark.output_tokens "
        "OR mark.cached_input_tokens > mark.input_tokens OR mark.is_estimate NOT IN (0, 1)"
    )
    at = counted(connection, "mark", "SELECT count(*) FROM mark")
    return looked(at, (f"the mark of hold {number} {what}" for number, what in rows))


def no_open_hold_is_overlooked(connection: sqlite3.Connection) -> Looked:
    """A gateway looks for open holds from `ledger.open_from` on, so none may stand before it."""
    before = connection.execute(
        "SELECT 'hold ' || (id / 4) || ' is open, and stands before open_from' FROM transfer AS hold "
        "WHERE kind = 'hold' AND id / 4 < (SELECT open_from FROM ledger) "
        "AND NOT EXISTS (SELECT 1 FROM transfer WHERE id = hold.id + 1)"
    )
    figures = connection.execute(
        "SELECT 'batch ' || seq || ', open_from ' || open_from || ' cannot be' FROM ledger "
        "WHERE open_from < 1 OR open_from > 1 + (SELECT coalesce(max(id) / 4, 0) FROM transfer) "
        "OR (seq > 0) <> EXISTS (SELECT 1 FROM transfer) "
        "UNION ALL SELECT 'the ledger has no figures' WHERE NOT EXISTS (SELECT 1 FROM ledger)"
    )
    (seq,) = connection.execute("SELECT max(seq) FROM ledger").fetchone()
    return looked(f"batch {seq}", (text for rows in (before, figures) for (text,) in rows))


def times_are_sane(connection: sqlite3.Connection) -> Looked:
    """Clocks are set back now and then; nothing is decided by these times, but periods follow them."""
    rows = connection.execute(
        "SELECT 'transfer ' || later.id || ' is older than its hold' FROM transfer AS later "
        "JOIN transfer AS hold ON hold.id = later.id - later.id % 4 WHERE later.at_ms < hold.at_ms "
        "UNION ALL SELECT 'transfer ' || id || ' is of ' "
        "|| coalesce(datetime(at_ms / 1000, 'unixepoch'), 'no year that there is') FROM transfer "
        "WHERE at_ms NOT BETWEEN ? AND ? + 1000 * CAST(strftime('%s', 'now') AS INTEGER)",
        (_FIRST_MS, _DAY_MS),
    )
    at = counted(connection, "transfer", "SELECT count(*) FROM transfer")
    return looked(at, (text for (text,) in rows))
