"""What is kept of engines beside the ledger: their GPU time, and what they count. Opened before the
gateway serves, closed after."""

import asyncio
import sqlite3
import time
from collections.abc import Iterable

from evenhand.cli.config import Config, EmbeddedEngine, UrlEngine
from evenhand.cli.state_desk import StateDesk
from evenhand.gateway.counts import CountKeeper
from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.gpu import GpuKeeper
from evenhand.ledger.gpu import NO_GPU_PRICE, GpuPrice
from evenhand.scheduling import Scheduler
from evenhand.stores import EngineStore, StateProblemError
from evenhand.telemetry import GpuCollector, Metrics, RequestLog

_CLOSE_MS_MAX = 2_000


class EngineAccounts:
    """`open` once the engines' links are there, `watch` those that come later, `close` at the end."""

    def __init__(self, config: Config, desk: StateDesk | None, log: RequestLog) -> None:
        self._config = config
        self._desk = desk
        self._log = log
        self.gpu: GpuKeeper | None = None
        self.counts: CountKeeper | None = None
        """None: without state nothing is kept of them."""

    def open(self, links: Iterable[EngineLink], scheduler: Scheduler, metrics: Metrics) -> None:
        """Account for all engines from now on. Raises StateProblemError."""
        loop, store = asyncio.get_running_loop(), self._store()
        tenants_max = self._config.limits.metrics_tenants_max
        cost = scheduler.settings.cost
        self.gpu = gpu = GpuKeeper(loop, cost, store, tenants_max=tenants_max)
        if store is not None:
            boot, add = time.time_ns() // 1_000_000, store.add_count
            self.counts = CountKeeper(boot, add, lambda: int(loop.time() * 1000))
        configured = {engine.name: engine for engine in self._config.engines}
        for link in links:
            self.watch(link, configured[link.name], self._config)
        metrics.registry.register(GpuCollector(gpu))
        gpu.start()

    def watch(self, link: EngineLink, engine: EmbeddedEngine | UrlEngine, config: Config) -> None:
        """Account for it from now on."""
        assert self.gpu is not None, "opened"
        self.gpu.watch(
            link,
            gpus=gpus_of(engine),
            price=gpu_price(engine, config),
            told=None if isinstance(engine, EmbeddedEngine) else engine.gpu_time_file,
            on_problem=lambda problem: self._log.event(
                "gpu_time_file", engine=engine.name, read=problem is None, reason=problem
            ),
        )
        if self.counts is not None:
            self.counts.watch(link)

    async def close(self) -> None:
        """Write what is left."""
        if self.counts is not None:
            self.counts.close()
        if self.gpu is not None and not await self.gpu.close(_CLOSE_MS_MAX):
            self._log.event(
                "engine_accounts_lost", reason="the state database could not be written"
            )

    def _store(self) -> EngineStore | None:
        if self._desk is None:
            return None
        database = self._desk.database
        try:
            return EngineStore(database, asyncio.get_running_loop(), on_change=self._changed)
        except sqlite3.Error as error:
            message = (
                f"the state database {database} cannot be used ({error}): see to disk and rights"
            )
            raise StateProblemError(message) from None

    def _changed(self, problem: str | None) -> None:
        self._log.event("engine_accounts", written=problem is None, reason=problem)


def gpus_of(engine: EmbeddedEngine | UrlEngine) -> int:
    """The embedded engine's CPU counts as one."""
    return 1 if isinstance(engine, EmbeddedEngine) else engine.gpus


def gpu_price(engine: EmbeddedEngine | UrlEngine, config: Config) -> GpuPrice:
    if engine.gpu_hour_price is None:
        return NO_GPU_PRICE
    currency = engine.gpu_hour_currency
    if currency is None:
        assert config.prices is not None, "checked"
        currency = config.prices.currency
    return GpuPrice(engine.gpu_hour_price, currency)
