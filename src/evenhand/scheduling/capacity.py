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

    def serves(self, pool: Pool) -> bool:
        return pool.model in self.models and self.name != pool.avoid

    @property
    def has_slot(self) -> bool:
        return self.in_flight < self.window


class Capacity:
    """All engines by name. Late binding: a request is bound to an engine only when that has a slot."""

    def __init__(self) -> None:
        self.engines: dict[EngineName, EngineState] = {}

    def change(self, name: EngineName, *, window: int, models: Collection[ModelName]) -> None:
        """An engine appeared, or its window or models changed."""
        assert window >= 0
        state = self.engines.setdefault(name, EngineState(name, frozenset(), 0))
        state.window = window
        state.models = frozenset(models)

    def open_pools(self, pools: Iterable[Pool]) -> set[Pool]:
        """Those of the pools for which some engine has a slot."""
        free = [engine for engine in self.engines.values() if engine.has_slot]
        return {pool for pool in pools if any(engine.serves(pool) for engine in free)}

    def is_served(self, pool: Pool) -> bool:
        """Whether any engine that is up serves the pool, with or without a slot at this moment."""
        return any(e.window > 0 and e.serves(pool) for e in self.engines.values())

    def take(self, pool: Pool) -> EngineName:
        """Occupy a slot for an open pool: on the engine whose window is least filled."""
        candidates = (e for e in self.engines.values() if e.has_slot and e.serves(pool))
        # Least in_flight / window; compared as integers, scaled so that small windows still differ.
        best = min(candidates, key=lambda e: ((e.in_flight << 20) // e.window, e.name))
        best.in_flight += 1
        return best.name

    def release(self, name: EngineName) -> None:
        """Free the slot of a request that has ended there. Call once per `take`."""
        engine = self.engines[name]
        assert engine.in_flight > 0
        engine.in_flight -= 1

    @property
    def window_total(self) -> int:
        return sum(engine.window for engine in self.engines.values())
