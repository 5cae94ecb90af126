"""Where live changes and their audit are kept: the state database, or memory where there is none."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from evenhand.model import TenantPath
from evenhand.stores.audit_table import AuditRow, NumberedRow
from evenhand.stores.live_changes import LiveChanges, StoredOverride
from evenhand.stores.store_thread import StoreThread

T = TypeVar("T")

_ROWS_MAX = 10_000
_STOP_MS_MAX = 1_000


class Keeping(Protocol):
    """All raise StateProblemError or sqlite3.Error where the disk fails; then nothing was written."""

    async def write(
        self,
        overrides: Sequence[StoredOverride],
        rows: Sequence[AuditRow],
        moves: Sequence[tuple[TenantPath, TenantPath]],
    ) -> None:
        """See `LiveChanges.write`."""

    async def note(self, rows: Sequence[AuditRow]) -> None:
        """Add to the audit."""

    async def audit(self, below: int | None, rows_max: int) -> list[NumberedRow]:
        """The latest rows, latest first; `below`: those with lower numbers."""

    def close(self) -> None:
        """Once, at the end."""


class KeptInDatabase:
    """See `Keeping`. On a thread of its own: neither the loop nor the ledger waits for it."""

    def __init__(self, changes: LiveChanges) -> None:
        self._changes = changes
        # Its jobs are bounded by the connections of the admin listener and of the control socket.
        self._thread = StoreThread(asyncio.get_running_loop())

    async def write(
        self,
        overrides: Sequence[StoredOverride],
        rows: Sequence[AuditRow],
        moves: Sequence[tuple[TenantPath, TenantPath]],
    ) -> None:
        await self._done(lambda: self._changes.write(overrides, rows, moves))

    async def note(self, rows: Sequence[AuditRow]) -> None:
        await self._done(lambda: self._changes.note(rows))

    async def audit(self, below: int | None, rows_max: int) -> list[NumberedRow]:
        return await self._done(lambda: self._changes.audit(below, rows_max))

    def close(self) -> None:
        self._thread.stop(_STOP_MS_MAX)

    async def _done(self, job: Callable[[], T]) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def told(value: T | None, error: Exception | None) -> None:
            if future.done():
                return  # whoever waited has given up
            if error is None:
                future.set_result(value)  # type: ignore[arg-type] # None is what such a job gives
            else:
                future.set_exception(error)

        self._thread.run(job, told)
        return await future


class KeptInMemory:
    """See `Keeping`: until the gateway ends, and of the audit the last ten thousand rows."""

    def __init__(self) -> None:
        self._rows: deque[NumberedRow] = deque(maxlen=_ROWS_MAX)
        self._number = 0

    async def write(
        self,
        overrides: Sequence[StoredOverride],
        rows: Sequence[AuditRow],
        moves: Sequence[tuple[TenantPath, TenantPath]],
    ) -> None:
        del overrides, moves  # whoever calls has them, and there are no keys but the file's
        await self.note(rows)

    async def note(self, rows: Sequence[AuditRow]) -> None:
        for row in rows:
            self._number += 1
            self._rows.append(NumberedRow(self._number, row))

    async def audit(self, below: int | None, rows_max: int) -> list[NumberedRow]:
        found = (row for row in reversed(self._rows) if below is None or row.number < below)
        return [row for row, _ in zip(found, range(rows_max), strict=False)]

    def close(self) -> None:
        pass  # it has nothing open
