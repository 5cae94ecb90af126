"""A real SQLite connection whose n-th call fails, as a disk would make it fail."""

import sqlite3
from typing import Any


class FaultyDisk:
    """Counts the calls of all connections that it opens. `fail_at` names the one that fails (from 1);
    `after` whether the call has done its work before: then only its acknowledgement is lost."""

    def __init__(self, *, fail_at: int | None = None, after: bool = False) -> None:
        self.fail_at = fail_at
        self.after = after
        self.calls = 0
        self.has_failed = False

    def connect(self, uri: str) -> sqlite3.Connection:
        disk = self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
                with disk.call():
                    return super().execute(sql, *arguments)

            def executemany(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
                with disk.call():
                    return super().executemany(sql, *arguments)

        return sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False, factory=Connection
        )

    def call(self) -> "_Call":
        self.calls += 1
        return _Call(self, is_last=self.calls == self.fail_at)


class _Call:
    def __init__(self, disk: FaultyDisk, *, is_last: bool) -> None:
        self._disk = disk
        self._fails = is_last

    def __enter__(self) -> None:
        if self._fails and not self._disk.after:
            self._fail()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._fails and self._disk.after and error is None:
            self._fail()

    def _fail(self) -> None:
        self._disk.has_failed = True
        raise sqlite3.OperationalError("disk I/O error")
