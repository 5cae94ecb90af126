"""The keys' rows: made, given new secrets, revoked; never changed otherwise and never deleted."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from evenhand.model import TenantPath
from evenhand.stores.audit_table import AuditRow, AuditTable
from evenhand.stores.problem import KeyProblemError


class StoredKey(NamedTuple):
    """A key without its secrets. `tenant` is a path such as "acme/search", `models` names, `*` for all;
    money is in nano-units, instants are milliseconds since 1970."""

    id: str
    tenant: str
    application: str
    trust_domain: str
    lane: str
    models: tuple[str, ...]
    open_requests_max: int | None
    output_tokens_max: int | None
    spend_max_nano: int | None
    tokens_max: int | None
    note: str
    created_ms: int
    expires_ms: int | None = None
    revoked_ms: int | None = None
    change: int = 0
    """The number of its last change; every change of any key has its own, the latest the highest."""

    def has_ended(self, now_ms: int) -> bool:
        """It is revoked, or its time is over."""
        return self.revoked_ms is not None or (
            self.expires_ms is not None and self.expires_ms <= now_ms
        )


class ValidSecret(NamedTuple):
    """The digest of a secret that opens the door until then; None: until further notice."""

    digest: bytes
    key: str
    ends_ms: int | None


_COLUMNS = ", ".join(StoredKey._fields)
_PLACES = ", ".join(f":{name}" for name in StoredKey._fields)
_MODELS = StoredKey._fields.index("models")
_INSERT = f"INSERT INTO api_key ({_COLUMNS}) VALUES ({_PLACES})"  # noqa: S608 - names of fields


class KeyTable:
    """On a connection that stays its maker's. What changes is on disk when a method returns. All raise
    sqlite3.Error where the disk fails."""

    def __init__(self, connection: sqlite3.Connection, who: str | None = None) -> None:
        """`who` changes keys, as the audit tells then; None: whoever only reads."""
        self._connection = connection
        self._who = who

    def add(self, key: StoredKey, digest: bytes) -> None:
        """A new key with its first secret."""
        columns = key._asdict() | {"models": " ".join(key.models)}
        with _transaction(self._connection):
            columns["change"] = self._next_change()
            self._connection.execute(_INSERT, columns)
            self._add_secret(key.id, digest, key.created_ms)
            self._note("create key", key.id, key.created_ms, _told(key))

    def rotate(self, key_id: str, digest: bytes, now_ms: int, old_until_ms: int) -> StoredKey:
        """A new secret for the key; those that it has end then. Raises KeyProblemError where there is
        no such key or it has ended."""
        with _transaction(self._connection):
            key = self.key(key_id)
            if key.has_ended(now_ms):
                how = "has expired" if key.revoked_ms is None else "is revoked"
                message = f"{key_id} {how} and stays so: make a new key with `evenhand keys create`"
                raise KeyProblemError(message)
            self._connection.execute(
                "UPDATE api_key_secret SET valid_until_ms = ? WHERE key = ? "
                "AND (valid_until_ms IS NULL OR valid_until_ms > ?)",
                (old_until_ms, key_id, old_until_ms),
            )
            self._add_secret(key_id, digest, now_ms)
            self._connection.execute(
                "UPDATE api_key SET change = ? WHERE id = ?", (self._next_change(), key_id)
            )
            self._note("rotate key", key_id, now_ms, {"old_until_ms": old_until_ms})
        return key

    def revoke(self, key_id: str, now_ms: int) -> StoredKey:
        """End the key and all its secrets; one that is revoked stays as it is. The key as it was.
        Raises KeyProblemError where there is no such key."""
        with _transaction(self._connection):
            key = self.key(key_id)
            self._connection.execute(
                "UPDATE api_key SET revoked_ms = ?, change = ? WHERE id = ? AND revoked_ms IS NULL",
                (now_ms, self._next_change(), key_id),
            )
            self._note("revoke key", key_id, now_ms, {"was_revoked": key.revoked_ms is not None})
        return key

    def follow(self, before: TenantPath, after: TenantPath) -> None:
        """A tenant with all beneath it has another path: its keys, but those revoked, name that one.
        Within the caller's transaction."""
        for key in list(self._keys("WHERE revoked_ms IS NULL")):
            path = tuple(key.tenant.split("/"))
            if path[: len(before)] == before:
                moved = "/".join((*after, *path[len(before) :]))
                self._connection.execute(
                    "UPDATE api_key SET tenant = ?, change = ? WHERE id = ?",
                    (moved, self._next_change(), key.id),
                )

    def key(self, key_id: str) -> StoredKey:
        """Raises KeyProblemError where there is no such key."""
        for key in self._keys("WHERE id = ?", key_id):
            return key
        message = f"there is no key {key_id}: `evenhand keys list --all` shows those there are"
        raise KeyProblemError(message)

    def all(self) -> Iterator[StoredKey]:
        """All there ever were, in the order of their making."""
        return self._keys("ORDER BY created_ms, id")

    def changed_since(self, change: int) -> Iterator[StoredKey]:
        """Those that were made, given a new secret or revoked after that change."""
        return self._keys("WHERE change > ? ORDER BY change", change)

    def secrets_changed_since(self, change: int) -> Iterator[ValidSecret]:
        """All secrets of those keys, also what has ended."""
        rows = self._connection.execute(
            "SELECT digest, key, min(coalesce(valid_until_ms, expires_ms), "
            "coalesce(expires_ms, valid_until_ms)) "
            "FROM api_key JOIN api_key_secret ON api_key.id = api_key_secret.key WHERE change > ?",
            (change,),
        )
        return map(ValidSecret._make, rows)

    def id_of(self, digest: bytes) -> str | None:
        """Whose secret that is or was."""
        row = self._connection.execute(
            "SELECT key FROM api_key_secret WHERE digest = ?", (digest,)
        ).fetchone()
        return None if row is None else str(row[0])

    def _note(self, what: str, key_id: str, at_ms: int, after: dict[str, object]) -> None:
        if self._who is not None:
            told = json.dumps(after)
            row = AuditRow(at_ms, self._who, what, f"keys[{key_id}]", None, told)
            AuditTable(self._connection).add([row])

    def _next_change(self) -> int:
        row = self._connection.execute(
            "SELECT coalesce(max(change), 0) + 1 FROM api_key"
        ).fetchone()
        return int(row[0])

    def _keys(self, which: str, *values: object) -> Iterator[StoredKey]:
        query = f"SELECT {_COLUMNS} FROM api_key {which}"  # noqa: S608 - no value is in the text
        for row in self._connection.execute(query, values):
            key = StoredKey._make(row)
            yield key._replace(models=tuple(row[_MODELS].split(" ")))

    def _add_secret(self, key_id: str, digest: bytes, now_ms: int) -> None:
        self._connection.execute(
            "INSERT INTO api_key_secret VALUES (?, ?, ?, NULL)", (digest, key_id, now_ms)
        )


def _told(key: StoredKey) -> dict[str, object]:
    """Of a new key, without what is empty."""
    told = key._asdict() | {"models": list(key.models)}
    left_out = ("id", "created_ms", "revoked_ms", "change")
    return {
        name: value for name, value in told.items() if value is not None and name not in left_out
    }


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of a block, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
