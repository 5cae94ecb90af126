"""The state of a gateway, opened before it serves and closed after."""

import asyncio
import gc
import socket
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from evenhand.cli.composition import booking_settings, commit_settings
from evenhand.cli.config import Config, State
from evenhand.cli.key_desk import KeyDesk
from evenhand.cli.money import budget_rules
from evenhand.cli.state_reader import StateReader
from evenhand.gateway.bookkeeping import Bookkeeper
from evenhand.gateway.control import Command
from evenhand.gateway.identity import KeyRing
from evenhand.ledger import Books, resolve_left_open
from evenhand.stores import (
    GroupCommit,
    LedgerFile,
    Pepper,
    StateFolder,
    StateProblemError,
    pepper_of,
)
from evenhand.stores.control_socket import forget, listen
from evenhand.stores.live_changes import LiveChanges, StoredOverride
from evenhand.stores.schema import open_to_write
from evenhand.telemetry import LedgerCollector, RequestLog

_CLOSE_MS_MAX = 5_000


def state_folder(state: State, file: Path) -> StateFolder:
    """The folder that the configuration in `file` names."""
    return StateFolder(file.absolute().parent / state.folder)


class StateDesk:
    """`open` once, then `close` once, also where `open` has failed; between them the gateway has its
    bookkeeper here."""

    def __init__(self, config: Config, file: Path, log: RequestLog) -> None:
        assert config.state is not None
        self._config = config
        self._state = config.state
        self._folder = state_folder(config.state, file)
        self._log = log
        self.bookkeeper: Bookkeeper | None = None
        self.collector: LedgerCollector | None = None
        self.pepper: Pepper | None = None
        self._listening: socket.socket | None = None
        self._keys: KeyDesk | None = None
        self._reader: StateReader | None = None

    def open(self, live: Callable[[Sequence[StoredOverride]], Config]) -> None:
        """Lock the folder, load the books, and resolve what a killed gateway left open: that is on disk
        when this returns. `live` makes the configuration to go by of what was changed before. Raises
        StateProblemError, and what `live` does."""
        self._folder.make()
        self._folder.lock()
        # Before anything is read: a command that finds nobody listening knows that its keys will be.
        self._listening = listen(self._folder)
        try:
            self.pepper = self._read_pepper()
            file = LedgerFile(self._folder.database)
            self._config = live(LiveChanges(self._folder.database).load())
            books = _loaded(file)
            now_ms = time.time_ns() // 1_000_000
            books.budget_by(budget_rules(self._config), now_ms)
            recovered = resolve_left_open(books, now_ms)
            if books.has_news:
                file.commit(books.take_batch())
        except sqlite3.Error as error:
            database = self._folder.database
            message = (
                f"the state database {database} cannot be used ({error}): see to disk and rights"
            )
            raise StateProblemError(message) from None
        if recovered.settled or recovered.expired:
            self._log.event("recovered", settled=recovered.settled, expired=recovered.expired)
        self._host(books, file)

    async def open_keys(self, ring: KeyRing) -> None:
        """Put the state database's keys into the ring, and keep them there as commands change them.
        Raises StateProblemError."""
        assert self._listening is not None
        self._keys = KeyDesk(self._config, self._folder, self._listening, ring, self._log)
        await self._keys.open()
        self._reader = StateReader(self._folder.database)

    @property
    def reader(self) -> StateReader:
        """Where long questions are asked. After `open_keys`."""
        assert self._reader is not None
        return self._reader

    @property
    def keys(self) -> KeyDesk | None:
        """Once `open_keys` was called."""
        return self._keys

    @property
    def database(self) -> Path:
        """Of the state folder."""
        return self._folder.database

    def add_commands(self, commands: dict[str, Command]) -> None:
        """Answer these too where commands come in. Call after `open_keys`."""
        assert self._keys is not None
        self._keys.control.add(commands)

    async def close(self) -> bool:
        """Write what is left and let the folder go, however far `open` has come. False: some of it
        could not be written."""
        if self._reader is not None:
            self._reader.close()
        if self._keys is not None:
            await self._keys.close()
        elif self._listening is not None:
            self._listening.close()
            forget(self._folder)
        left = 0
        if self.bookkeeper is not None:
            self.bookkeeper.close()
            left = await self.bookkeeper.store.close(_CLOSE_MS_MAX)
        if left:
            self._log.event("ledger_lost", entries=left)
        self._folder.unlock()
        return left == 0

    def _read_pepper(self) -> Pepper:
        connection = open_to_write(self._folder.database)
        try:
            return pepper_of(self._folder, connection)
        finally:
            connection.close()

    def _host(self, books: Books, file: LedgerFile) -> None:
        loop = asyncio.get_running_loop()
        self.collector = collector = LedgerCollector(lambda: store)
        store = GroupCommit(
            books,
            file,
            lambda: LedgerFile(self._folder.database),
            loop,
            commit_settings(self._state),
            on_change=self._changed,
            on_commit=collector.commits.observe,
        )
        self.bookkeeper = Bookkeeper(books, store, booking_settings(self._config), loop)

    def _changed(self, closed_because: str | None) -> None:
        self._log.event("ledger", open=closed_because is None, reason=closed_because)


def _loaded(file: LedgerFile) -> Books:
    """A million balances of days may come, and none of them is garbage: looked through again and again
    they would take twice as long."""
    gc.disable()
    try:
        return Books(file.load())
    finally:
        gc.enable()
