"""Checks of the file: no page is damaged, and nobody has changed its tables or taken its guards off."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from evenhand.stores.audit.looked import TOLD_MAX, Looked, looked
from evenhand.stores.migrations import MIGRATIONS

_OBJECTS = "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'"


def pages_are_sound(connection: sqlite3.Connection) -> Looked:
    """SQLite's own integrity check, which also looks at NOT NULL and CHECK of every row."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    rows = connection.execute(f"PRAGMA integrity_check({TOLD_MAX + 1})")
    return looked(f"{pages:,} pages", (text for (text,) in rows if text != "ok"))


def schema_is_ours(connection: sqlite3.Connection) -> Looked:
    """Every table, index and trigger is as its version makes it, and no other is there."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    found = dict(connection.execute(_OBJECTS))
    with closing(sqlite3.connect(":memory:")) as fresh:
        for migration in MIGRATIONS[:version]:
            fresh.executescript(migration)
        wanted = dict(fresh.execute(_OBJECTS))
    return looked(f"version {version}, {len(wanted)} objects", _differences(wanted, found))


def _differences(wanted: dict[str, str], found: dict[str, str]) -> Iterator[str]:
    for name in wanted.keys() | found.keys():
        if name not in found:
            yield f"the {name} is missing"
        elif name not in wanted:
            yield f"the {name} is not ours"
        elif wanted[name] != found[name]:
            yield f"the {name} is not as this version makes it"
