"""What an engine says of itself, read again and again."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from evenhand.engines.http import ClientSettings, EngineAddress, EngineClient
from evenhand.engines.signals.ask import NoPageError, Page, ask
from evenhand.engines.signals.contract import NotOfferedError, SignalReader
from evenhand.engines.signals.reading import Reading
from evenhand.engines.signals.track import Track
from evenhand.model import EngineReport

PAGE_BYTES_MAX: Final = 4 << 20
"""A page of vLLM has 50 kB for each of its ranks."""


@dataclass(frozen=True, kw_only=True)
class WatchSettings:
    """How often, and how patiently."""

    interval_ms: int = 500
    """Between two readings."""
    backoff_max_ms: int = 5_000
    """The longest pause after failures; it doubles from `interval_ms` with each in a row."""
    seldom_ms: int = 60_000
    """Until an engine that has nothing to tell is asked again."""
    timeout_ms: int = 2_000
    """For one page, connecting included."""
    stale_ms: int = 3_000
    """After so long without a reading, the last one says nothing about now."""


class SignalListener(Protocol):
    """Hears of one engine. All calls happen on the loop's thread and must not block."""

    def on_report(self, report: EngineReport, asked_ms: int) -> None:
        """What the engine says of itself; it was asked at `asked_ms` on the loop's clock: nothing that
        was sent to it before is missing."""

    def on_stale(self, reason: str) -> None:
        """For too long there has been no report, and why; told once, until there is one again."""

    def on_missing(self, names: tuple[str, ...]) -> None:
        """These names were told and are no longer; none: all are back. Their fields are None."""

    def on_restart(self, evidence: str) -> None:
        """The engine is another process than before; told before its first report."""

    def on_signals(self, words: str) -> None:
        """How far the engine can be read, for the operator: told when it changes."""


class SignalWatch:
    """Reads one engine until it is stopped. `stop` must be awaited; nothing is told after it."""

    def __init__(
        self,
        address: EngineAddress,
        reader: SignalReader,
        listener: SignalListener,
        *,
        settings: WatchSettings | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self._settings = settings or WatchSettings()
        self._reader = reader
        self._listener = listener
        timeout_ms = self._settings.timeout_ms
        limits = ClientSettings(
            connect_timeout_ms=timeout_ms,
            first_byte_timeout_ms=timeout_ms,
            silence_timeout_ms=timeout_ms,
            idle_connections_max=1,
        )
        self._client = EngineClient(address, limits, headers=headers)
        self._loop = asyncio.get_running_loop()
        self._track = Track()
        self._words = ""
        self._failures = 0
        self._reason = ""
        self._stale: asyncio.TimerHandle | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to read, the first time at once. Call once."""
        assert self._task is None, "start a watch once"
        self._task = self._loop.create_task(self._run())

    def restarted(self) -> None:
        """Say that the engine is known to be another process than before: it is read at once, and that
        it counts from 0 is not told."""
        self._track.begin_anew()
        self._wake.set()

    async def stop(self) -> None:
        """Read no more."""
        self._disarm()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._disarm()
        await self._client.close()

    async def _run(self) -> None:
        while True:
            pause_ms = await self._read()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_ms / 1000):
                    await self._wake.wait()
            self._wake.clear()

    async def _read(self) -> int:
        """Read once and tell of it; how long to pause then."""
        asked_ms = int(self._loop.time() * 1000)
        try:
            reading = await self._reader.read(self._ask)
        except NotOfferedError as error:
            self._reason = str(error)
            self._say(f"none: {error}")
            return self._settings.seldom_ms
        except NoPageError as error:
            self._reason = str(error)
            doublings = min(self._failures, 30)
            self._failures += 1
            if self._stale is None:
                self._say(f"none now: {error}")
            return min(self._settings.backoff_max_ms, self._settings.interval_ms << doublings)
        self._failures = 0
        self._reason = ""
        self._arm()
        self._note(reading, asked_ms)
        return self._settings.interval_ms

    async def _ask(self, path: str) -> Page:
        timeout_ms = self._settings.timeout_ms
        return await ask(self._client, path, bytes_max=PAGE_BYTES_MAX, timeout_ms=timeout_ms)

    def _note(self, reading: Reading, asked_ms: int) -> None:
        news = self._track.note(reading)
        if news.restarted is not None:
            self._tell(self._listener.on_restart, news.restarted)
        if news.missing is not None:
            self._tell(self._listener.on_missing, news.missing)
        self._say(self._track.words())
        self._tell(self._listener.on_report, reading.report, asked_ms)

    def _arm(self) -> None:
        self._disarm()
        self._stale = self._loop.call_later(self._settings.stale_ms / 1000, self._grow_stale)

    def _disarm(self) -> None:
        if self._stale is not None:
            self._stale.cancel()
            self._stale = None

    def _grow_stale(self) -> None:
        self._stale = None
        reason = self._reason or "it is slow to answer"
        self._tell(self._listener.on_stale, reason)
        self._say(f"none now: {reason}")

    def _say(self, words: str) -> None:
        if words != self._words:
            self._words = words
            self._tell(self._listener.on_signals, words)

    def _tell(self, hears: Callable[..., None], *news: object) -> None:
        try:
            hears(*news)
        except Exception as error:  # noqa: BLE001 - watching must outlive its listener's faults
            self._loop.call_exception_handler(
                {
                    "message": "a listener of an engine's signals raised; mend it",
                    "exception": error,
                }
            )
