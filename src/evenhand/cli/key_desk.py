"""The keys of the state database in a gateway that runs: read at start, and again when a command says
that they have changed."""

import asyncio
import gc
import socket
import sqlite3
from typing import Any

from evenhand.cli.config import Config
from evenhand.cli.stored_keys import KeyChanges, read_changes
from evenhand.gateway.control import ControlServer
from evenhand.gateway.identity import KeyRing
from evenhand.model import KeyId
from evenhand.stores import StateFolder, StateProblemError
from evenhand.stores.control_socket import forget
from evenhand.stores.store_thread import StoreThread
from evenhand.telemetry import RequestLog

_STOP_MS_MAX = 1_000
_DOUBLE = "the configuration has the same secret, and its word holds: revoke one of the two"


class KeyDesk:
    """`open` once, then `close` once. Whoever writes keys and then asks for a reload is answered when
    what was written is in force."""

    def __init__(
        self,
        config: Config,
        folder: StateFolder,
        listening: socket.socket,
        ring: KeyRing,
        log: RequestLog,
    ) -> None:
        self._config = config
        self._folder = folder
        self._ring = ring
        self._log = log
        self.control = ControlServer(listening, {"reload_keys": self._reload_for})
        """Where commands come in; others may add theirs."""
        # A thread of its own: the ledger's commits must not wait for keys.
        self._thread = StoreThread(asyncio.get_running_loop())
        self._reading: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None
        self._configurations = 0
        """How many there have been: what was read for an earlier one says nothing."""
        self._following: asyncio.Task[None] | None = None
        self._last_change = 0
        self._is_open = False
        self._ignored: dict[KeyId, str] = {}

    async def open(self) -> None:
        """Take what is there, and answer commands from now on. Raises StateProblemError."""
        # There may be a hundred thousand: to look through them for garbage again and again while they
        # come would make the start twice as long.
        gc.disable()
        try:
            await self.reload()
        finally:
            gc.enable()
        self._is_open = True
        await self.control.start()

    async def close(self) -> None:
        """Answer no more. The socket is gone when this returns: a command that finds none knows that
        the next start will read what it wrote."""
        await self.control.stop()
        forget(self._folder)
        self._thread.stop(_STOP_MS_MAX)

    def follow(self, config: Config) -> None:
        """Another configuration is in force, which may have places for other keys: look at all of them
        again, soon."""
        self._config, self._last_change = config, 0
        self._configurations += 1
        self._following = asyncio.get_running_loop().create_task(self._reload_quietly())

    async def _reload_quietly(self) -> None:
        try:
            await self.reload()
        except StateProblemError as error:
            self._log.event("keys_not_read", reason=str(error))

    async def reload(self) -> None:
        """Put in force what the database has, as of a moment after this call. However many ask, one
        reading is under way and one waits for all of them. Raises StateProblemError; then all stays as
        it was."""
        if self._next is None:
            self._next = asyncio.create_task(self._read_after(self._reading))
        await asyncio.shield(self._next)

    async def _read_after(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        self._reading, self._next = self._next, None
        while True:
            number = self._configurations
            changes = await self._in_thread()
            if number == self._configurations:
                break
        self._apply(changes)

    async def _reload_for(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The command; `key` is the one that it is about."""
        await self.reload()
        ignored = self._ignored.get(KeyId(str(asked.get("key"))))
        return {"keys": self._ring.stored_keys, "ignored": ignored}

    async def _in_thread(self) -> KeyChanges:
        done = asyncio.get_running_loop().create_future()

        def told(value: KeyChanges | None, error: Exception | None) -> None:
            if done.done():
                return  # whoever waited has given up
            if error is None:
                done.set_result(value)
            else:
                done.set_exception(error)

        self._thread.run(self._read, told)
        changes: KeyChanges = await done
        return changes

    def _read(self) -> KeyChanges:
        try:
            return read_changes(
                self._folder.database, self._config, self._last_change, self._ring.wall_ms()
            )
        except sqlite3.Error as error:
            message = f"the keys in {self._folder.database} cannot be read ({error})"
            raise StateProblemError(message) from None

    def _apply(self, changes: KeyChanges) -> None:
        """In one step: no request sees half of it."""
        # First, so that nobody of a new domain is let in while engines are sent no salts.
        self._ring.trust_domains |= changes.trust_domains
        for identity, grants in changes.in_force:
            is_taken = self._ring.change(identity, grants)
            self._note(identity.key_id, None if is_taken else _DOUBLE)
        for key_id in changes.ended:
            self._ring.take_out(key_id)
            self._note(key_id, None)
        for key_id, reason in changes.ignored.items():
            self._ring.take_out(key_id)
            self._note(key_id, reason)
        self._last_change = changes.last

    def _note(self, key_id: KeyId, ignored: str | None) -> None:
        if self._is_open:
            self._log.event("key_changed", key=key_id)
        self._ignored.pop(key_id, None)
        if ignored is not None:
            self._ignored[key_id] = ignored
            self._log.event("key_ignored", key=key_id, reason=ignored)
