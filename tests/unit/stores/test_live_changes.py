"""Overrides and the audit on disk: all of a change or nothing, and what was done stays told."""

import sqlite3
from pathlib import Path

import pytest

from evenhand.stores import KeyTable, LedgerFile, StoredKey
from evenhand.stores.audit_table import AuditRow, AuditTable
from evenhand.stores.live_changes import LiveChanges, StoredOverride
from evenhand.stores.schema import open_to_write

ROW = AuditRow(5, "ada", "set", "tenants[a].weight", "1", "2")
KEY = StoredKey(
    id="key_1",
    tenant="acme/search",
    application="app",
    trust_domain="acme",
    lane="default",
    models=("*",),
    open_requests_max=None,
    output_tokens_max=None,
    spend_max_nano=None,
    tokens_max=None,
    note="",
    created_ms=1,
)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "evenhand.db"
    LedgerFile(path).close()
    return path


def test_overrides_are_replaced_whole_and_the_audit_grows(database: Path) -> None:
    changes = LiveChanges(database)
    one = StoredOverride("tenants[a].weight", "2", "ada", 5)
    other = StoredOverride("tenants[b]", None, "bob", 6)
    changes.write([one, other], [ROW])
    assert changes.load() == [one, other]
    changes.write([other], [ROW._replace(what="adopted")])
    assert changes.load() == [other]
    assert [(found.number, found.row.what) for found in changes.audit(None, 10)] == [
        (2, "adopted"),
        (1, "set"),
    ]
    assert [found.number for found in changes.audit(2, 10)] == [1]
    assert len(changes.audit(None, 1)) == 1


def test_a_change_is_written_whole_or_not_at_all(database: Path) -> None:
    changes = LiveChanges(database)
    one = StoredOverride("tenants[a].weight", "2", "ada", 5)
    with pytest.raises(sqlite3.IntegrityError):
        changes.write([one, one], [ROW])
    assert changes.load() == []
    assert changes.audit(None, 10) == []


@pytest.mark.parametrize("statement", ["UPDATE audit SET who = 'eve'", "DELETE FROM audit"])
def test_what_was_done_is_never_untold(database: Path, statement: str) -> None:
    LiveChanges(database).note([ROW])
    connection = open_to_write(database)
    with pytest.raises(sqlite3.IntegrityError, match="what was done is never"):
        connection.execute(statement)
    connection.close()


def test_keys_follow_their_tenant_but_those_that_are_revoked(database: Path) -> None:
    connection = open_to_write(database)
    table = KeyTable(connection, "user ada")
    table.add(KEY, b"1" * 32)
    table.add(KEY._replace(id="key_2", tenant="acme"), b"2" * 32)
    table.add(KEY._replace(id="key_3"), b"3" * 32)
    table.revoke("key_3", 7)
    LiveChanges(database).write([], [], [(("acme", "search"), ("beta", "search"))])
    assert {key.id: key.tenant for key in table.all()} == {
        "key_1": "beta/search",
        "key_2": "acme",
        "key_3": "acme/search",
    }
    assert [key.id for key in table.changed_since(4)] == ["key_1"]
    rows = [found.row for found in AuditTable(connection).page()]
    assert [(row.what, row.who) for row in rows] == [
        ("revoke key", "user ada"),
        *[("create key", "user ada")] * 3,
    ]
    assert all("1111" not in (row.after or "") for row in rows)
    connection.close()
