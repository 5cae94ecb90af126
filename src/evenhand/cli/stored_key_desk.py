"""The keys of the state database, changed from within the gateway: what `evenhand keys` does from
outside."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from evenhand.cli.config import Config
from evenhand.cli.key_desk import KeyDesk
from evenhand.cli.keys.listing import described, without_place
from evenhand.model import KeyId
from evenhand.stores import KeyTable, Pepper, StoredKey
from evenhand.stores.key_text import new_key
from evenhand.stores.schema import open_to_read, open_to_write

T = TypeVar("T")


class StoredKeyDesk:
    """What a method says is done is on disk and in force when it returns. All raise StateProblemError,
    or sqlite3.Error where the disk fails."""

    def __init__(
        self, database: Path, pepper: Pepper, desk: KeyDesk, config: Callable[[], Config]
    ) -> None:
        """`config` is the one in force."""
        self._database = database
        self._pepper = pepper
        self._desk = desk
        self._config = config
        # What waits for it is bounded by the connections of the admin listener.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="evenhand-keys")

    async def listed(self, *, ended: bool, after: str, rows_max: int) -> list[dict[str, Any]]:
        """Keys by id, at most so many after that one; `ended`: those too whose time is over."""
        config = self._config()

        def read() -> list[dict[str, Any]]:
            connection = open_to_read(self._database)
            try:
                keys = sorted(KeyTable(connection).all(), key=lambda key: key.id)
            finally:
                connection.close()
            now_ms = _now_ms()
            found = [key for key in keys if key.id > after and (ended or not key.has_ended(now_ms))]
            shown = found[:rows_max]
            ignored = without_place(config, shown)
            return [described(key, ignored.get(KeyId(key.id)), now_ms) for key in shown]

        return await self._in_thread(read)

    async def create(self, key: StoredKey, who: str) -> str:
        """Make it; its secret, which is told this once."""
        secret = new_key()
        digest = self._pepper.digest(secret)
        await self._written(who, lambda table: table.add(key, digest))
        return secret

    async def rotate(self, key_id: str, grace_ms: int, who: str) -> str:
        """A new secret, told this once; the old one goes on for so long."""
        secret = new_key()
        digest, now_ms = self._pepper.digest(secret), _now_ms()
        await self._written(
            who, lambda table: table.rotate(key_id, digest, now_ms, now_ms + grace_ms)
        )
        return secret

    async def revoke(self, key_id: str, who: str) -> None:
        """From here on it is nobody's."""
        await self._written(who, lambda table: table.revoke(key_id, _now_ms()))

    async def _written(self, who: str, job: Callable[[KeyTable], object]) -> None:
        def write() -> None:
            connection = open_to_write(self._database)
            try:
                job(KeyTable(connection, who))
            finally:
                connection.close()

        await self._in_thread(write)
        await self._desk.reload()

    async def _in_thread(self, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, job)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
