"""The keys' rows: whole or not there, never deleted, and what `changed_since` tells."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evenhand.stores import KeyTable, StateProblemError, StoredKey
from evenhand.stores.migrations import MIGRATIONS
from evenhand.stores.schema import VERSION, is_older, open_to_write

DIGESTS = [bytes([number]) * 32 for number in range(10)]


def stored(key_id: str, **more: Any) -> StoredKey:
    values: dict[str, Any] = {
        "id": key_id,
        "tenant": "acme/search",
        "application": "chat",
        "trust_domain": "acme",
        "lane": "default",
        "models": ("m", "n"),
        "open_requests_max": 1,
        "output_tokens_max": None,
        "spend_max_nano": 10**18,
        "tokens_max": None,
        "note": "for Zoë",
        "created_ms": 1_000,
    }
    return StoredKey(**(values | more))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = open_to_write(tmp_path / "evenhand.db")
    yield connection
    connection.close()


def test_a_key_comes_back_as_it_was(connection: sqlite3.Connection) -> None:
    table = KeyTable(connection)
    table.add(stored("a", expires_ms=9_000), DIGESTS[0])
    (key,) = table.all()
    assert key == stored("a", expires_ms=9_000, change=1)
    assert table.id_of(DIGESTS[0]) == "a"
    assert table.id_of(DIGESTS[1]) is None
    assert [tuple(secret) for secret in table.secrets_changed_since(0)] == [
        (DIGESTS[0], "a", 9_000)
    ]


def test_each_change_is_told_once(connection: sqlite3.Connection) -> None:
    table = KeyTable(connection)
    for number, name in enumerate("abc"):
        table.add(stored(name), DIGESTS[number])
    assert [key.id for key in table.changed_since(0)] == ["a", "b", "c"]
    assert not list(table.changed_since(3))
    table.rotate("a", DIGESTS[3], 2_000, 5_000)
    table.revoke("b", 2_000)
    assert [(key.id, key.revoked_ms) for key in table.changed_since(3)] == [
        ("a", None),
        ("b", 2_000),
    ]
    told = {secret.digest: secret.ends_ms for secret in table.secrets_changed_since(3)}
    assert told == {DIGESTS[0]: 5_000, DIGESTS[3]: None, DIGESTS[1]: None}
    table.revoke("b", 9_000)
    assert not list(table.changed_since(5)), "it was revoked before"
    assert table.key("b").revoked_ms == 2_000


def test_a_grace_is_never_prolonged(connection: sqlite3.Connection) -> None:
    table = KeyTable(connection)
    table.add(stored("a"), DIGESTS[0])
    table.rotate("a", DIGESTS[1], 2_000, 5_000)
    table.rotate("a", DIGESTS[2], 3_000, 90_000)
    ends = {secret.digest: secret.ends_ms for secret in table.secrets_changed_since(0)}
    assert ends == {DIGESTS[0]: 5_000, DIGESTS[1]: 90_000, DIGESTS[2]: None}
    table.rotate("a", DIGESTS[3], 4_000, 4_000)
    ends = {secret.digest: secret.ends_ms for secret in table.secrets_changed_since(0)}
    assert ends == dict.fromkeys(DIGESTS[:3], 4_000) | {DIGESTS[3]: None}


def test_what_has_ended_gets_no_new_secret(connection: sqlite3.Connection) -> None:
    table = KeyTable(connection)
    table.add(stored("a"), DIGESTS[0])
    table.add(stored("b", expires_ms=2_000), DIGESTS[1])
    table.revoke("a", 2_000)
    for key_id, word in (("a", "revoked"), ("b", "expired"), ("c", "no key c")):
        with pytest.raises(StateProblemError, match=word):
            table.rotate(key_id, DIGESTS[2], 2_000, 2_000)
    with pytest.raises(StateProblemError, match="no key c"):
        table.revoke("c", 2_000)
    assert table.id_of(DIGESTS[2]) is None
    assert not connection.in_transaction


def test_a_failed_change_leaves_nothing(connection: sqlite3.Connection) -> None:
    table = KeyTable(connection)
    table.add(stored("a"), DIGESTS[0])
    with pytest.raises(sqlite3.IntegrityError):
        table.add(stored("b"), DIGESTS[0])
    assert [key.id for key in table.all()] == ["a"]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM api_key",
        "DELETE FROM api_key_secret",
        "UPDATE api_key SET revoked_ms = NULL",
        "INSERT INTO api_key_secret VALUES (x'00', 'a', 1, NULL)",
    ],
)
def test_the_database_itself_refuses(connection: sqlite3.Connection, statement: str) -> None:
    table = KeyTable(connection)
    table.add(stored("a"), DIGESTS[0])
    table.revoke("a", 2_000)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)


def test_an_older_database_is_known_as_such_and_brought_up_to_date(tmp_path: Path) -> None:
    database = tmp_path / "evenhand.db"
    assert not is_older(database)
    first = sqlite3.connect(database)
    first.executescript(MIGRATIONS[0])
    first.execute(f"PRAGMA application_id = {0x45564E48}")
    first.execute("PRAGMA user_version = 1")
    first.close()
    assert VERSION > 1
    assert is_older(database)
    open_to_write(database).close()
    assert not is_older(database)
