"""Keeps the keys of one issuer fresh, in the background."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from evenhand.gateway.tokens.key_set import KeySet, KeySetError, read_key_set
from evenhand.gateway.tokens.key_source import KeySource, NoKeysError

INTERVAL_S: Final = 300.0
AGAIN_S_MIN: Final = 30.0
"""Between two readings, however many tokens name a key that is not known."""


class KeyWatch:
    """`start` once, in the loop; then `stop` once. `on_change` is called when the keys have changed,
    `told` with what went wrong (None: nothing any more), each time that it is something else."""

    def __init__(
        self,
        source: KeySource,
        *,
        on_change: Callable[[], None],
        told: Callable[[str | None], None],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keys = KeySet()
        self._source = source
        self._on_change = on_change
        self._told = told
        self._now_s = now_s
        self._problem: str | None = None
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.readings = 0
        """How often the source was asked."""

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="evenhand-jwks")

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def want(self) -> None:
        """A token names a key that is not there: look soon whether the issuer has a new one."""
        self._wanted.set()

    async def read(self) -> None:
        """Read once, and note what came of it."""
        self.readings += 1
        problem = None
        try:
            self.take(await self._source.read())
        except (NoKeysError, KeySetError) as error:
            problem = str(error)
        if problem != self._problem:
            self._problem = problem
            self._told(problem)

    def take(self, document: bytes) -> None:
        """These are the keys. Raises KeySetError; then they stay as they were."""
        if self.keys.renew(read_key_set(document), self._now_s()):
            self._on_change()

    async def _run(self) -> None:
        while True:
            await self.read()
            self._wanted.clear()
            await asyncio.sleep(AGAIN_S_MIN)
            try:
                async with asyncio.timeout(INTERVAL_S - AGAIN_S_MIN):
                    await self._wanted.wait()
            except TimeoutError:
                continue  # nobody asked: it is time anyway
