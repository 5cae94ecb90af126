"""Puts what is kept of engines on disk, on a thread of its own, every few seconds."""

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path

from evenhand.ledger.reconciliation import EngineCount
from evenhand.model import EngineName
from evenhand.stores.engine_file import Counts, EngineBatch, EngineFile, GpuBatch
from evenhand.stores.store_thread import StoreThread

_COUNTS_MAX = 10_000


class EngineStore:
    """A batch that could not be written is offered again with what has come since, by a new handle.
    `close` at the end. `on_change` hears why nothing can be written, and None when it can again."""

    def __init__(
        self,
        database: Path,
        loop: asyncio.AbstractEventLoop,
        *,
        on_change: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        """Raises StateProblemError or sqlite3.Error."""
        self._database = database
        self._on_change = on_change
        self._file: EngineFile | None = EngineFile(database)
        self.until_us = self._file.until_us()
        """How far each engine's account went when this was opened."""
        self._thread = StoreThread(loop)
        self._waiting: dict[EngineName, EngineBatch] = {}
        # Of what waits while the disk cannot be written, the first are left out.
        self._counts: deque[tuple[EngineName, EngineCount]] = deque(maxlen=_COUNTS_MAX)
        self._offered: tuple[GpuBatch, Counts] | None = None
        self._problem: str | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    def add(self, name: EngineName, part: EngineBatch) -> None:
        """It is to be written with the next flush."""
        waiting = self._waiting.get(name)
        if waiting is None:
            self._waiting[name] = part
        else:
            waiting.add(part)

    def add_count(self, name: EngineName, count: EngineCount) -> None:
        """Likewise."""
        self._counts.append((name, count))

    def flush(self) -> None:
        """Offer what has gathered to the disk, unless a batch is under way."""
        if not self._idle.is_set():
            return
        if self._offered is None:
            if not self._has_news:
                return
            self._offered = self._waiting, list(self._counts)
            self._waiting = {}
            self._counts.clear()
        self._idle.clear()
        (batch, counts), file = self._offered, self._file

        def job() -> EngineFile:
            opened = file or EngineFile(self._database)
            try:
                opened.write(batch, counts)
            except BaseException:
                opened.close()
                raise
            return opened

        self._thread.run(job, self._written)

    async def close(self, wait_ms: int) -> bool:
        """Write what is left, for at most so long; whether all of it is written."""
        try:
            async with asyncio.timeout(wait_ms / 1000):
                while self._has_news or self._offered is not None:
                    self.flush()
                    await self._idle.wait()
                    if self._problem is not None:
                        break
        except TimeoutError:
            pass  # the answer says so
        if self._thread.stop(wait_ms) and self._file is not None:
            self._file.close()
        return not self._has_news and self._offered is None

    @property
    def _has_news(self) -> bool:
        return bool(self._waiting or self._counts)

    def _written(self, file: EngineFile | None, error: Exception | None) -> None:
        self._file = file
        self._idle.set()
        problem = None if error is None else str(error) or type(error).__name__
        if error is None:
            self._offered = None
        if problem != self._problem:
            self._problem = problem
            self._on_change(problem)
