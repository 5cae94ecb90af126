"""Long questions to the state database, asked in a thread: the loop that serves requests never waits."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from evenhand.stores import StateProblemError
from evenhand.stores.schema import open_to_read
from evenhand.stores.store_thread import StoreThread

T = TypeVar("T")

WAITING_MAX = 16
"""Questions that may wait for their turn; beyond it they are refused."""
_ANSWER_S_MAX = 60
_STOP_MS_MAX = 1_000


class StateReader:
    """Answers one question after the other. `close` once, at the end."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._thread = StoreThread(asyncio.get_running_loop())
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._connection: sqlite3.Connection | None = None

    async def read(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        """What `ask` returns, called in the thread with a connection that may only read. Raises
        StateProblemError where the database cannot be read, or the answer takes too long; and whatever
        `ask` raises."""
        if self._waiting >= WAITING_MAX:
            raise StateProblemError(
                "too many questions to the ledger at once: ask again in a while"
            )
        self._waiting += 1
        try:
            async with self._turn:
                return await self._answered(ask)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Ask nothing more."""
        self._interrupt()
        self._thread.stop(_STOP_MS_MAX)

    async def _answered(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def told(value: T | None, error: Exception | None) -> None:
            if done.done():
                return  # whoever waited has given up
            if error is None:
                done.set_result(value)  # type: ignore[arg-type] # without an error it is a T
            else:
                done.set_exception(error)

        self._thread.run(lambda: self._asked(ask), told)
        try:
            async with asyncio.timeout(_ANSWER_S_MAX):
                return await done
        except TimeoutError:
            self._interrupt()
            raise StateProblemError(
                f"the ledger gave no answer in {_ANSWER_S_MAX} s: ask for a shorter period, or use the"
                " command `evenhand usage`"
            ) from None
        except asyncio.CancelledError:
            self._interrupt()
            raise

    def _asked(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        try:
            with closing(open_to_read(self._database)) as connection:
                self._connection = connection
                try:
                    return ask(connection)
                finally:
                    self._connection = None
        except sqlite3.Error as error:
            raise StateProblemError(
                f"the state database cannot be read ({error}): `evenhand ledger audit` looks for damage"
            ) from None

    def _interrupt(self) -> None:
        connection = self._connection
        if connection is not None:
            connection.interrupt()
