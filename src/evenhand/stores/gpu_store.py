"""Puts the account of GPU time on disk, on a thread of its own, every few seconds."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from evenhand.model import EngineName
from evenhand.stores.gpu_file import EngineBatch, GpuBatch, GpuFile
from evenhand.stores.store_thread import StoreThread


class GpuStore:
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
        self._file: GpuFile | None = GpuFile(database)
        self.until_us = self._file.until_us()
        """How far each engine's account went when this was opened."""
        self._thread = StoreThread(loop)
        self._waiting: dict[EngineName, EngineBatch] = {}
        self._offered: GpuBatch | None = None
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

    def flush(self) -> None:
        """Offer what has gathered to the disk, unless a batch is under way."""
        if not self._idle.is_set():
            return
        if self._offered is None:
            if not self._waiting:
                return
            self._offered, self._waiting = self._waiting, {}
        self._idle.clear()
        batch, file = self._offered, self._file

        def job() -> GpuFile:
            opened = file or GpuFile(self._database)
            try:
                opened.write(batch)
            except BaseException:
                opened.close()
                raise
            return opened

        self._thread.run(job, self._written)

    async def close(self, wait_ms: int) -> bool:
        """Write what is left, for at most so long; whether all of it is written."""
        try:
            async with asyncio.timeout(wait_ms / 1000):
                while self._waiting or self._offered is not None:
                    self.flush()
                    await self._idle.wait()
                    if self._problem is not None:
                        break
        except TimeoutError:
            pass  # the answer says so
        if self._thread.stop(wait_ms) and self._file is not None:
            self._file.close()
        return not self._waiting and self._offered is None

    def _written(self, file: GpuFile | None, error: Exception | None) -> None:
        self._file = file
        self._idle.set()
        problem = None if error is None else str(error) or type(error).__name__
        if error is None:
            self._offered = None
        if problem != self._problem:
            self._problem = problem
            self._on_change(problem)
