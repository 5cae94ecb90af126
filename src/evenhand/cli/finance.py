"""What finance asks of a gateway that runs: usage, statements, corrections."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

from evenhand.cli.corrections.desk import CorrectionDesk
from evenhand.cli.live.live_configuration import LiveConfiguration
from evenhand.cli.state_desk import StateDesk
from evenhand.cli.statement.closing import close
from evenhand.cli.statement.statement import Statement, stated
from evenhand.cli.statement.subject import refuse_stranger
from evenhand.cli.usage.period import Period
from evenhand.stores.audit_table import AuditRow
from evenhand.stores.issued_statements import Issued
from evenhand.stores.schema import open_to_write
from evenhand.stores.statement_query import Cut
from evenhand.telemetry import RequestLog

T = TypeVar("T")


class Finance:
    """Everything is read in a thread of the desk's; the loop never waits for it."""

    def __init__(self, desk: StateDesk, live: LiveConfiguration, log: RequestLog) -> None:
        assert desk.bookkeeper is not None
        self._keeper = desk.bookkeeper
        self._reader = desk.reader
        self.corrections = CorrectionDesk(desk.bookkeeper, desk.reader, live.keeping, log)
        self._database = desk.database
        self._live = live
        self._log = log

    async def read(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        """What `ask` returns, of everything that was booked before this call, unless the disk fails.
        Raises StateProblemError."""
        is_told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def tell(is_recorded: bool) -> None:  # noqa: FBT001 - the store's signature
            if not is_told.done():
                is_told.set_result(is_recorded)

        self._keeper.store.recorded(tell)
        await is_told
        return await self._reader.read(ask)

    async def statement(
        self, tenant: str, period: Period, by: tuple[str, ...], cut: Cut | None
    ) -> Statement:
        """Raises StateProblemError."""
        config = self._live.config

        def read(connection: sqlite3.Connection) -> Statement:
            refuse_stranger(connection, config, tenant)
            return stated(connection, tenant, period, by, cut)

        return await self.read(read)

    async def close_statement(self, tenant: str, period: Period, who: str) -> Issued:
        """Issue it, as of now. Raises StateProblemError."""
        draft = await self.statement(tenant, period, ("model",), None)
        now_ms = time.time_ns() // 1_000_000

        def write(_: sqlite3.Connection) -> Issued:
            with closing(open_to_write(self._database)) as connection:
                return close(connection, draft, by=who, now_ms=now_ms)

        issued = await self.read(write)
        after = {"tenant": tenant, "period": f"{period.first}..{period.end}", "cut": issued.cut}
        row = AuditRow(
            now_ms, who, "issue", f"statements[{issued.number}]", after=json.dumps(after)
        )
        await self._live.keeping.note([row])
        self._log.event("statement_issued", number=issued.number, who=who, tenant=tenant)
        return issued
