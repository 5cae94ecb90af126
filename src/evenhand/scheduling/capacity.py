"""Engines and their windows: who may take one more request, and which takes it best."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from evenhand.model import EngineName, ModelName
from evenhand.scheduling.pool import Pool


@dataclass(slots=True)
class EngineState:
    """What the core knows of an engine. `window` is how many requests may be in flight there; 0: it
    takes none (down or draining), those in flight go on."""

    name: EngineName
    models: frozenset[ModelName]
    window: int
    in_flight: int = 0

    @property
    def has_slot(self) -> bool:
        return self.in_flight < self.window


class Capacity:
    """All engines by name. Late binding: a request gets its engine only when that has a slot."""

    def __init__(self) -> None:
        self.engines: dict[EngineName, EngineState] = {}
        # Asked at every request, changed seldom.
        self._pools: dict[ModelName, Pool] = {}
        self._up: set[EngineName] = set()
        self._free: set[EngineName] = set()
        self.window_peak = 0
        """The most that could ever be in flight at once; what the bound is computed from."""

    def change(self, name: EngineName, *, window: int, models: Collection[ModelName]) -> None:
        """An engine appeared, or its window or models changed."""
        assert window >= 0
        state = self.engines.setdefault(name, EngineState(name, frozenset(), 0))
        state.window = window
        state.models = frozenset(models)
        (self._free.add if state.has_slot else self._free.discard)(name)
        self._up = {engine.name for engine in self.engines.values() if engine.window > 0}
        served = {model for engine in self.engines.values() for model in engine.models}
        self._pools = {model: self._serving(model) for model in served}
        total = sum(max(e.window, e.in_flight) for e in self.engines.values())
        self.window_peak = max(self.window_peak, total)

    def pool(self, model: ModelName) -> Pool:
        """The engines that serve a model, up or not."""
        return self._pools.get(model, ())

    def is_open(self, pool: Pool) -> bool:
        """Whether some engine of the pool has a slot."""
        return not self._free.isdisjoint(pool)

    def open_pools(self, pools: Iterable[Pool]) -> set[Pool]:
        """Those of the pools in which some engine has a slot."""
        free = self._free
        return {pool for pool in pools if not free.isdisjoint(pool)}

    def is_served(self, pool: Pool) -> bool:
        """Whether any engine of the pool is up, with or without a slot at this moment."""
        return not self._up.isdisjoint(pool)

    def take(self, pool: Pool) -> EngineName:
        """Occupy a slot for an open pool: on the engine whose window is least filled."""
        if len(pool) == 1:
            best = self.engines[pool[0]]
            assert best.has_slot
        else:
            candidates = [engine for name in pool if (engine := self.engines[name]).has_slot]
            # Least in_flight / window; compared as integers, scaled so that small windows still differ.
            best = min(candidates, key=lambda e: ((e.in_flight << 20) // e.window, e.name))
        best.in_flight = in_flight = best.in_flight + 1
        if in_flight == best.window:
            self._free.remove(best.name)
        return best.name

    def release(self, name: EngineName) -> None:
        """Free the slot of a request that has ended there. Call once per `take`."""
        engine = self.engines[name]
        engine.in_flight = in_flight = engine.in_flight - 1
        assert in_flight >= 0
        if in_flight < engine.window:
            self._free.add(name)

    def _serving(self, model: ModelName) -> Pool:
        return tuple(sorted(e.name for e in self.engines.values() if model in e.models))
