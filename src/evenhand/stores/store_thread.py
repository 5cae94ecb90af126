"""One thread that does whatever may wait for the disk, in order."""

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

_Job = Callable[[], None]


class StoreThread:
    """Runs jobs one after the other; how each ended is told on the loop. A daemon, so that a disk that
    hangs cannot keep the process from ending."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        # Bounded by its one user, which has one job under way at a time.
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="evenhand-store", daemon=True)
        self._thread.start()

    def run(self, job: Callable[[], T], done: Callable[[T | None, Exception | None], None]) -> None:
        """Run `job` there, then `done` on the loop with its value or its error."""

        def work() -> None:
            value, fault = None, None
            try:
                value = job()
            except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits must hear of it
                fault = error
            try:
                self._loop.call_soon_threadsafe(done, value, fault)
            except RuntimeError:
                # The loop was closed while the disk hung: nobody is left to be told.
                return

        self._jobs.put(work)

    def stop(self, wait_ms: int) -> bool:
        """Let the job under way end, for at most so long; False if it did not."""
        self._jobs.put(None)
        self._thread.join(wait_ms / 1000)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
