"""Engines and their windows: who may take one more request."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from evenhand.model import EngineName, LaneName, ModelName
from evenhand.scheduling.pool import ONE_LANE, Pool

_FILL_BITS = 20


@dataclass(slots=True)
class EngineState:
    """What the core knows of an engine. `window` is how many requests may be in flight there; 0: it
    takes none (down or draining), those in flight go on. `held` of its slots are taken by what is not
    in flight: the host says so. `fill` is how full the window is (`filled`). `waiting` of those in
    flight are told to wait inside the engine, and `may_take_more`: more than the window might run
    there, nobody knows yet."""

    name: EngineName
    models: frozenset[ModelName]
    window: int
    in_flight: int = 0
    fill: int = 0
    held: int = 0
    waiting: int = 0
    may_take_more: bool = False

    @property
    def has_slot(self) -> bool:
        return self.in_flight + self.held < self.window


class Capacity:
    """All engines by name. Late binding: a request gets its engine only when that has a slot."""

    def __init__(self) -> None:
        self.engines: dict[EngineName, EngineState] = {}
        # Asked at every request, changed seldom.
        self._serving: dict[ModelName, tuple[EngineName, ...]] = {}
        self._pools: dict[LaneName, dict[tuple[EngineName, ...], Pool]] = {}
        self._all: dict[Pool, Sequence[EngineState]] = {}  # bounded by the pools
        self._up: set[EngineName] = set()
        self.free: set[EngineName] = set()
        """Engines that have a slot."""
        self.window = 0
        """What may be in flight at once on the engines that are up."""
        self._claimed = 0  # the sum of what each has in flight, or may have if that is more
        self.window_peak = 0
        """The most that could ever be in flight at once; what the bound is computed from."""

    def change(self, name: EngineName, *, window: int, models: Collection[ModelName]) -> None:
        """An engine appeared, or its window or models changed."""
        assert window >= 0
        state = self.engines.get(name)
        if state is None:
            state = self.engines[name] = EngineState(name, frozenset(), 0)
        self.window += window - state.window
        self._claimed += max(window, state.in_flight) - max(state.window, state.in_flight)
        self.window_peak = max(self.window_peak, self._claimed)
        state.window = window
        self._refill(state)
        (self._up.add if window else self._up.discard)(name)
        if state.models != set(models):
            state.models = frozenset(models)
            served = {model for engine in self.engines.values() for model in engine.models}
            self._serving = {model: self._names_serving(model) for model in served}

    def hold(self, name: EngineName, slots: int) -> None:
        """So many slots of a known engine's window are held from here on, in all."""
        assert slots >= 0
        state = self.engines[name]
        state.held = slots
        self._refill(state)

    def told(self, name: EngineName, *, waiting: int, may_take_more: bool) -> None:
        """What is known of a known engine beside its window."""
        assert waiting >= 0
        state = self.engines[name]
        state.waiting, state.may_take_more = waiting, may_take_more

    def waiting_inside(self) -> int:
        """Requests that wait inside the engines that are up."""
        return sum(self.engines[name].waiting for name in self._up)

    def may_take_more(self, pool: Pool) -> bool:
        """Whether some engine of the pool is up and might run more than its window."""
        engines = self.engines
        return any(engines[name].may_take_more for name in pool.engines if name in self._up)

    def pool(self, model: ModelName, lane: LaneName = ONE_LANE) -> Pool:
        """The engines that serve a model, up or not, in a lane."""
        return self._pool(lane, self._serving.get(model, ()))

    def within(self, pool: Pool, names: Collection[EngineName]) -> Pool:
        """Those of a pool that are among `names`, in its lane."""
        return self._pool(pool.lane, tuple(name for name in pool.engines if name in names))

    def without(self, pool: Pool, name: EngineName | None) -> Pool:
        """The others of a pool, in its lane; None: all."""
        return self._pool(pool.lane, tuple(other for other in pool.engines if other != name))

    def closed(self, pool: Pool) -> Pool:
        """The pool of no engine, in its lane: who waits there does not compete."""
        return self._pool(pool.lane, ())

    def is_open(self, pool: Pool) -> bool:
        """Whether some engine of the pool has a slot."""
        return not self.free.isdisjoint(pool.engines)

    def open_pools(self, pools: Iterable[Pool]) -> list[Pool]:
        """Those of the pools in which some engine has a slot."""
        free = self.free
        return [pool for pool in pools if not free.isdisjoint(pool.engines)]

    def free_slots(self) -> int:
        """Slots of all engines that nobody has."""
        free = (self.engines[name] for name in self.free)
        return sum(engine.window - engine.in_flight - engine.held for engine in free)

    def is_served(self, pool: Pool) -> bool:
        """Whether any engine of the pool is up, with or without a slot at this moment."""
        return not self._up.isdisjoint(pool.engines)

    def is_up(self, name: EngineName | None) -> bool:
        """Whether an engine takes requests, with or without a slot at this moment."""
        return name in self._up

    def up(self, pool: Pool) -> list[EngineState]:
        """The engines of a pool that are up, in order of names."""
        return [self.engines[name] for name in pool.engines if name in self._up]

    def candidates(self, pool: Pool) -> Sequence[EngineState]:
        """The engines of an open pool that have a slot, in order of names. Only to be read, at once."""
        free, engines = self.free, self.engines
        if len(free) == 1:  # as a rule, while requests wait
            return [engines[name] for name in free]
        if len(free) == len(engines):  # as a rule, while none waits
            known = self._all.get(pool)
            if known is None:
                known = self._all[pool] = [engines[name] for name in pool.engines]
            return known
        return [engines[name] for name in pool.engines if name in free]

    def take(self, engine: EngineState) -> None:
        """Occupy a slot; there must be one."""
        engine.in_flight += 1
        taken = engine.in_flight + engine.held
        assert taken <= engine.window
        engine.fill = filled(taken, engine.window)
        if taken == engine.window:
            self.free.remove(engine.name)

    def release(self, name: EngineName) -> None:
        """Free the slot of a request that has ended there. Call once per `take`."""
        engine = self.engines[name]
        engine.in_flight = in_flight = engine.in_flight - 1
        assert in_flight >= 0
        if in_flight >= engine.window:
            self._claimed -= 1
        engine.fill = filled(in_flight + engine.held, engine.window)
        if engine.has_slot:
            self.free.add(name)

    def _refill(self, state: EngineState) -> None:
        state.fill = filled(state.in_flight + state.held, state.window)
        (self.free.add if state.has_slot else self.free.discard)(state.name)

    def _pool(self, lane: LaneName, engines: tuple[EngineName, ...]) -> Pool:
        """The one object for that lane and these engines. Bounded by the sets that there ever were."""
        of_lane = self._pools.get(lane)
        if of_lane is None:
            of_lane = self._pools[lane] = {}
        pool = of_lane.get(engines)
        if pool is None:
            pool = of_lane[engines] = Pool(engines, lane)
        return pool

    def _names_serving(self, model: ModelName) -> tuple[EngineName, ...]:
        return tuple(sorted(e.name for e in self.engines.values() if model in e.models))


def filled(requests: int, window: int) -> int:
    """How full a window is with so many, scaled to whole numbers so that small windows still differ."""
    return (requests << _FILL_BITS) // window if window else 0
