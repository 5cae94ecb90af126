"""Group commit: what the books have journalled goes to disk together, a few milliseconds later.

    OPEN --commit failed, or took too long--> CLOSED --a new handle took it--> OPEN

A failed commit is never repeated on the same handle: whether it reached the disk is unknown, and the
handle may lie about it. So the handle is thrown away, and once a second a new one is opened and offered
the same batch, which it takes unless it has it. Meanwhile the books go on journalling; their host stops
opening holds when too much waits.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from evenhand.ledger import Batch, Books
from evenhand.stores.ledger_file import LedgerFile
from evenhand.stores.store_thread import StoreThread

Recorded = Callable[[bool], None]
"""Told once whether what was journalled before is on disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitSettings:
    """`interval_ms` is how long entries may gather, `timeout_ms` how long one commit may take before
    the store counts as closed, `reopen_ms` how long a closed one rests before a new handle is tried."""

    interval_ms: int = 10
    timeout_ms: int = 5_000
    reopen_ms: int = 1_000


class GroupCommit:
    """Moves batches from `books` to a file. Use from the loop's thread; `close` at the end."""

    def __init__(
        self,
        books: Books,
        file: LedgerFile,
        reopen: Callable[[], LedgerFile],
        loop: asyncio.AbstractEventLoop,
        settings: CommitSettings,
        *,
        on_change: Callable[[str | None], None] = lambda _: None,
        on_commit: Callable[[float], None] = lambda _: None,
    ) -> None:
        """`on_change` hears why the store has closed, and None when it is open again; `on_commit` how
        many seconds each commit took."""
        self._books = books
        self._file: LedgerFile | None = file
        self._reopen = reopen
        self._loop = loop
        self._settings = settings
        self._on_change = on_change
        self._on_commit = on_commit
        self._thread = StoreThread(loop)
        self._batch: Batch | None = None
        """Offered to the disk, and not known to be there."""
        self._began_s = 0.0
        # Both bounded by the open requests, each of which waits at most once.
        self._batch_waiters: list[Recorded] = []
        self._waiters: list[Recorded] = []
        self._timer: asyncio.TimerHandle | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._is_over = False
        self.closed_because: str | None = None
        """Why nothing is being written; None while the store is open."""

    @property
    def is_open(self) -> bool:
        return self.closed_because is None

    @property
    def waiting_entries(self) -> int:
        """Transfers and marks that are not known to be on disk."""
        batch = self._batch
        offered = 0 if batch is None else len(batch.transfers) + len(batch.marks)
        return offered + self._books.news

    @property
    def open_holds(self) -> int:
        """Holds that are not resolved."""
        return self._books.open_holds

    def journalled(self) -> None:
        """The books have news. O(1)."""
        if self._timer is None and self._batch is None:
            self._timer = self._loop.call_later(self._settings.interval_ms / 1000, self._flush)

    def recorded(self, tell: Recorded) -> None:
        """Call `tell` once everything journalled so far is on disk (True), or cannot be put there for
        now (False). Never from within this call; the flush does not wait for the interval."""
        if not self.is_open:
            self._loop.call_soon(tell, False)
        elif self._books.has_news:
            self._waiters.append(tell)
            self._hurry()
        elif self._batch is not None:
            self._batch_waiters.append(tell)
        else:
            self._loop.call_soon(tell, True)

    async def close(self, wait_ms: int) -> int:
        """Write what is left, for at most so long; how many entries could not be written. Nothing may be
        journalled afterwards."""
        deadline_s = self._loop.time() + wait_ms / 1000
        while self.waiting_entries and self._loop.time() < deadline_s:
            if self.is_open and self._batch is None:
                self._flush()
            await asyncio.sleep(0.002)
        self._stop_clocks()
        self._is_over = True
        left = self.waiting_entries
        if self._thread.stop(max(1, int((deadline_s - self._loop.time()) * 1000))):
            self._let_go()
        return left

    def _hurry(self) -> None:
        if self._batch is None:
            if self._timer is not None:
                self._timer.cancel()
            # In the loop's next turn, so that those who ask in this one share the commit.
            self._timer = self._loop.call_later(0, self._flush)

    def _flush(self) -> None:
        """Take what has gathered, unless a batch is under way (while the store is closed, one is)."""
        self._timer = None
        if self._batch is not None or not self._books.has_news:
            return
        self._batch = self._books.take_batch()
        self._batch_waiters, self._waiters = self._waiters, []
        self._write()

    def _write(self) -> None:
        """Offer the batch to the disk."""
        batch, file = self._batch, self._file
        assert batch is not None
        self._began_s = time.monotonic()
        self._watch = self._loop.call_later(self._settings.timeout_ms / 1000, self._too_slow)

        def job() -> LedgerFile:
            opened = file or self._reopen()
            try:
                opened.commit(batch)
            except BaseException:
                opened.close()
                raise
            if self._is_over:
                opened.close()  # nobody waits for it any more
            return opened

        self._thread.run(job, self._written)

    def _written(self, file: LedgerFile | None, error: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        self._file = file
        if error is not None:
            self._close_because(str(error) or type(error).__name__)
            self._timer = self._loop.call_later(self._settings.reopen_ms / 1000, self._try_again)
            return
        self._on_commit(time.monotonic() - self._began_s)
        self._batch = None
        waiters, self._batch_waiters = self._batch_waiters, []
        if self.closed_because is not None:
            self.closed_because = None
            self._on_change(None)
        for tell in waiters:
            tell(True)
        if self._waiters:
            self._hurry()
        elif self._books.has_news:
            self.journalled()

    def _try_again(self) -> None:
        self._timer = None
        self._write()

    def _too_slow(self) -> None:
        self._watch = None
        self._close_because(f"a commit took longer than {self._settings.timeout_ms} ms")

    def _close_because(self, reason: str) -> None:
        was_open, self.closed_because = self.is_open, reason
        if was_open:
            self._on_change(reason)
        waiters = [*self._batch_waiters, *self._waiters]
        self._batch_waiters, self._waiters = [], []
        for tell in waiters:
            tell(False)

    def _stop_clocks(self) -> None:
        for timer in (self._timer, self._watch):
            if timer is not None:
                timer.cancel()
        self._timer = self._watch = None

    def _let_go(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
