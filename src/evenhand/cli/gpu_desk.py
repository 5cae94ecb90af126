"""The account of GPU time: opened before the gateway serves, closed after."""

import asyncio
import sqlite3
from collections.abc import Iterable

from evenhand.cli.config import Config, EmbeddedEngine, UrlEngine
from evenhand.cli.state_desk import StateDesk
from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.gpu import GpuKeeper
from evenhand.ledger.gpu import NO_GPU_PRICE, GpuPrice
from evenhand.scheduling import Scheduler
from evenhand.stores import GpuStore, StateProblemError
from evenhand.telemetry import GpuCollector, Metrics, RequestLog

_CLOSE_MS_MAX = 2_000


class GpuDesk:
    """`open` once the engines' links are there, `close` at the end."""

    def __init__(self, config: Config, desk: StateDesk | None, log: RequestLog) -> None:
        self._config = config
        self._desk = desk
        self._log = log
        self.keeper: GpuKeeper | None = None

    def open(self, links: Iterable[EngineLink], scheduler: Scheduler, metrics: Metrics) -> None:
        """Account for all engines from now on. Raises StateProblemError."""
        tenants_max = self._config.limits.metrics_tenants_max
        self.keeper = keeper = GpuKeeper(
            asyncio.get_running_loop(),
            scheduler.settings.cost,
            self._store(),
            tenants_max=tenants_max,
        )
        configured = {engine.name: engine for engine in self._config.engines}
        for link in links:
            engine = configured[link.name]
            keeper.watch(link, gpus=gpus_of(engine), price=gpu_price(engine, self._config))
        metrics.registry.register(GpuCollector(keeper))
        keeper.start()

    async def close(self) -> None:
        """Write what is left."""
        if self.keeper is not None and not await self.keeper.close(_CLOSE_MS_MAX):
            self._log.event("gpu_time_lost", reason="the state database could not be written")

    def _store(self) -> GpuStore | None:
        if self._desk is None:
            return None
        database = self._desk.database
        try:
            return GpuStore(database, asyncio.get_running_loop(), on_change=self._changed)
        except sqlite3.Error as error:
            message = (
                f"the state database {database} cannot be used ({error}): see to disk and rights"
            )
            raise StateProblemError(message) from None

    def _changed(self, problem: str | None) -> None:
        self._log.event("gpu_time", written=problem is None, reason=problem)


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
