"""Keeps the account of all engines' GPU time: cuts stretches, adds them up, has them written."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.gpu.clock import GpuClock
from evenhand.gateway.gpu.meter import GpuMeter
from evenhand.gateway.gpu.told_file import ToldFile
from evenhand.ledger.gpu import (
    NOBODY,
    EngineTime,
    GpuKind,
    GpuOwner,
    GpuPrice,
    Stretch,
    by_hour,
)
from evenhand.model import EngineName, ModelName, TenantPath
from evenhand.scheduling import TokenWeights
from evenhand.stores import EngineBatch, EngineStore, GpuRow

STRETCH_S = 1.0
STRETCHES_PER_FLUSH = 5
"""What a crash leaves out of the account, in stretches: the next start books it as `away`."""


class GpuKeeper:
    """`watch` each engine, `start` once, `close` at the end. Without a store the account is kept for the
    metrics alone."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        weights: TokenWeights,
        store: EngineStore | None,
        *,
        tenants_max: int,
    ) -> None:
        self._loop = loop
        self._weights = weights
        self._store = store
        self._tenants_max = tenants_max
        self._known: dict[EngineName, int] = {} if store is None else store.until_us
        self._clock = GpuClock(not_before_us=max(self._known.values(), default=0))
        self._meters: dict[EngineName, GpuMeter] = {}
        self._tick: asyncio.TimerHandle | None = None
        self._stretches = 0
        self.by_engine: dict[EngineName, Counter[GpuKind]] = {}
        """Microseconds of GPUs since the start."""
        self.by_tenant: Counter[TenantPath] = Counter()
        """Those of requests, of the first tenants that had any; `()`: of all others."""

    def watch(
        self,
        link: EngineLink,
        *,
        gpus: int,
        price: GpuPrice,
        told: Path | None = None,
        on_problem: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        """Account for that engine from now on. What has passed since its account ended is told as
        `away`. `told`: where the scheduler inside it says whose its time was; `on_problem` hears why
        that cannot be read, and None when it can again."""
        now_us = self._clock.now_us()
        time = EngineTime(gpus=gpus, now_us=now_us, is_up=link.is_up)
        meter = GpuMeter(link.name, time, price, self._weights, self._clock.now_us)
        if told is not None:
            (model,) = link.models if len(link.models) == 1 else (ModelName(""),)
            offset_us = self._clock.offset_us
            meter.told = ToldFile(
                told, offset_us=offset_us, gpus=gpus, model=model, on_problem=on_problem
            )
        self.by_engine.setdefault(link.name, Counter())
        since_us = self._known.get(link.name, now_us)
        away = {NOBODY[GpuKind.AWAY]: (now_us - since_us) * gpus}
        if since_us < now_us:
            self._write(meter, Stretch(since_us, now_us, away))
        self._meters[link.name] = link.gpu = meter

    def start(self) -> None:
        """Begin to cut stretches."""
        self._tick = self._loop.call_later(STRETCH_S, self._on_tick)

    def close_stretches(self) -> None:
        """Divide what has passed so far."""
        now_us = self._clock.now_us()
        for meter in self._meters.values():
            for stretch in meter.cut(now_us):
                self._book(meter, stretch)

    async def close(self, wait_ms: int) -> bool:
        """Write what is left; whether all of it is written. Nothing may come or go afterwards."""
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        self.close_stretches()
        for meter in self._meters.values():
            if meter.told is not None:
                for stretch in meter.told.close():
                    self._book(meter, stretch)
        return self._store is None or await self._store.close(wait_ms)

    def _on_tick(self) -> None:
        self._tick = self._loop.call_later(STRETCH_S, self._on_tick)
        self.close_stretches()
        self._stretches += 1
        if self._store is not None and self._stretches % STRETCHES_PER_FLUSH == 0:
            self._store.flush()

    def _book(self, meter: GpuMeter, stretch: Stretch) -> None:
        self._count(meter.name, stretch.gpu_us)
        self._write(meter, stretch)

    def _count(self, name: EngineName, gpu_us: Mapping[GpuOwner, int]) -> None:
        engine = self.by_engine[name]
        for (kind, consumer, _), amount in gpu_us.items():
            engine[kind] += amount
            tenant = consumer.tenant
            if tenant:
                has_place = tenant in self.by_tenant or len(self.by_tenant) < self._tenants_max
                self.by_tenant[tenant if has_place else ()] += amount

    def _write(self, meter: GpuMeter, stretch: Stretch) -> None:
        self._known[meter.name] = stretch.to_us
        if self._store is None or stretch.from_us == stretch.to_us:
            return
        rows: dict[GpuRow, int] = {}
        for hour_us, part in by_hour(stretch):
            for owner, gpu_us in part.gpu_us.items():
                rows[GpuRow(hour_us, owner, meter.price)] = gpu_us
        self._store.add(meter.name, EngineBatch(stretch.from_us, stretch.to_us, rows))
