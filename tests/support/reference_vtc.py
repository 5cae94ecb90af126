"""Virtual token counters once more, plainly: written from the rules in order/vtc.md, not from the code.

Dictionaries and linear scans. One level of tenants, several engines and models, no limits of the
queue. Every call of the scheduler that changes it has its like here; answers are told by ids.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from evenhand.model import Request, Usage

Pool = tuple[str, ...]
INPUT, CACHED, OUTPUT = 10, 1, 20


@dataclass(eq=False)
class Stay:
    """A request; `engine` None: it waits. `counted`: what its prompt is, and how much of it was cached,
    once its engine has said so. `is_paid`: it was started before, and its engine took it back."""

    request: Request
    sequence: int
    pool: Pool
    queued_ms: int
    engine: str | None = None
    counted: tuple[int, int] | None = None
    is_paid: bool = False
    predicted: int = 0
    produced: int = 0
    charged: int = 0
    pinned: int = 1
    failed: str | None = None


class ReferenceVtc:
    def __init__(self, weights: Mapping[str, int], *, predicts: bool, default_tokens: int) -> None:
        self.weights = weights
        self.tenants = list(weights)
        self.predicts, self.default = predicts, default_tokens * 256
        self.scale = lcm(*weights.values())
        # Service per weight and lifts, all times the scale, so that they are whole numbers.
        self.service = dict.fromkeys(weights, 0)
        self.lifts: dict[tuple[str, Pool], int] = {}
        self.left: dict[str, tuple[str, Pool]] = {}
        self.models: dict[str, tuple[str, ...]] = {}
        self.windows: dict[str, int] = {}
        self.stays: dict[str, Stay] = {}
        self.means: dict[object, int] = {}
        self.held: set[str] = set()
        self.count = 0

    # What the counters are.

    def counter(self, tenant: str, pool: Pool) -> int:
        return self.service[tenant] + self.lifts.get((tenant, pool), 0)

    def waiting(self) -> list[Stay]:
        return [stay for stay in self.stays.values() if stay.engine is None]

    def lift(self, tenant: str, pool: Pool) -> None:
        """It begins to wait for the pool: it stands at least at the present."""
        places = {(stay.request.tenant[0], stay.pool) for stay in self.waiting()}
        same = [self.counter(t, p) for t, p in places if p == pool]
        if (tenant, pool) in places:
            return
        presents = [min(same)] if same else [self.present_at(engine, places) for engine in pool]
        missing = max(presents, default=0) - self.service[tenant]
        self.lifts[tenant, pool] = max(self.lifts.get((tenant, pool), 0), missing)

    def present_at(self, engine: str, places: set[tuple[str, Pool]]) -> int:
        here = [self.counter(t, p) for t, p in places if engine in p]
        if here:
            return min(here)
        return self.counter(*self.left[engine]) if engine in self.left else 0

    def leave(self, stay: Stay) -> None:
        """It waits no more, and perhaps its tenant does not wait for that pool any more."""
        tenant = stay.request.tenant[0]
        others = [s for s in self.waiting() if s is not stay and s.request.tenant[0] == tenant]
        if not any(other.pool == stay.pool for other in others):
            self.left.update(dict.fromkeys(stay.pool, (tenant, stay.pool)))

    def charge(self, stay: Stay, units: int) -> None:
        """Make that what it is charged in all."""
        tenant = stay.request.tenant[0]
        self.service[tenant] += (units - stay.charged) * self.scale // self.weights[tenant]
        stay.charged = units

    # What work costs, and what is expected of it.

    def pin(self, request: Request) -> int:
        return 1

    def units(self, input_tokens: int, cached: int, output: int, pinned: int) -> int:
        return (input_tokens - cached) * INPUT + cached * CACHED + output * OUTPUT

    def predict(self, request: Request) -> int:
        if not self.predicts:
            return 0
        own = (request.tenant, request.application, request.model)
        mean = self.means.get(own, self.means.get(request.model, self.default))
        each, most = -(-mean // 256), request.output_tokens_max
        return (each if most is None else min(each, most)) * request.choices

    def learn(self, stay: Stay, usage: Usage, *, completed: bool) -> None:
        request = stay.request
        if not completed or request.output_tokens_max == 0:
            return
        length = usage.output_tokens * 256 // request.choices
        for key in ((request.tenant, request.application, request.model), request.model):
            self.means[key] = (4 * self.means.get(key, length) + length) // 5

    def so_far(self, stay: Stay) -> int:
        """Units of one that runs."""
        input_tokens, cached = stay.counted or (stay.request.prompt_tokens or 0, 0)
        output = max(stay.produced, stay.predicted)
        return self.units(input_tokens, cached, output, stay.pinned)

    def serving(self, request: Request, but: str | None = None) -> Pool:
        """Up or not."""
        return tuple(sorted(e for e, m in self.models.items() if request.model in m and e != but))

    def pool_now(self, request: Request, but: str | None = None) -> Pool:
        """Where it competes: for no engine while its tenant is held back."""
        return () if request.tenant[0] in self.held else self.serving(request, but)

    # The calls.

    def engine_changed(self, name: str, window: int, models: tuple[str, ...]) -> None:
        self.windows[name], self.models[name] = window, models

    def free(self, pool: Pool) -> list[str]:
        running = [stay.engine for stay in self.stays.values()]
        return [engine for engine in pool if running.count(engine) < self.windows[engine]]

    def submit(self, request: Request, now_ms: int) -> bool:
        """Whether it waits; else no engine that serves it is up."""
        if not any(self.windows[engine] for engine in self.serving(request)):
            return False
        pool = self.pool_now(request)
        self.lift(request.tenant[0], pool)
        self.count += 1
        self.stays[request.id] = Stay(request, self.count, pool, now_ms)
        return True

    def start_at_once(self, request: Request, now_ms: int) -> str | None:
        if request.tenant[0] in self.held:
            return None
        if not self.free(self.serving(request)) or any(
            self.free(stay.pool) for stay in self.waiting()
        ):
            return None
        self.submit(request, now_ms)
        started = self.next()
        assert started is not None
        return started[1]

    def next(self) -> tuple[str, str] | None:
        """Request and engine."""
        able = [stay for stay in self.waiting() if self.free(stay.pool)]
        if not able:
            return None
        tenant = min(
            (
                self.counter(stay.request.tenant[0], stay.pool),
                self.tenants.index(stay.request.tenant[0]),
            )
            for stay in able
        )[1]
        own = [stay for stay in able if self.tenants.index(stay.request.tenant[0]) == tenant]
        stay = min(own, key=lambda stay: stay.sequence)
        self.leave(stay)
        running = [other.engine for other in self.stays.values()]
        stay.engine = min(
            self.free(stay.pool), key=lambda e: (Fraction(running.count(e), self.windows[e]), e)
        )
        if stay.is_paid:
            stay.is_paid = False
        else:
            stay.counted = None
            stay.predicted, stay.pinned = self.predict(stay.request), self.pin(stay.request)
            assert stay.request.prompt_tokens is not None
            self.charge(stay, self.so_far(stay))
        return stay.request.id, stay.engine

    def produced(self, request_id: str, tokens: int) -> None:
        stay = self.stays[request_id]
        stay.produced += tokens
        self.charge(stay, max(stay.charged, self.so_far(stay)))

    def prompt_counted(self, request_id: str, input_tokens: int, cached_tokens: int | None) -> None:
        stay = self.stays[request_id]
        if cached_tokens is None:
            before, cached = stay.counted or (stay.request.prompt_tokens or 0, 0)
            cached_tokens = input_tokens * cached // max(1, before)
        stay.counted = input_tokens, cached_tokens
        self.charge(stay, self.so_far(stay))

    def preempted(self, request_id: str, now_ms: int) -> None:
        """It waits again, at its place by arrival, and has paid."""
        stay = self.stays[request_id]
        pool = self.pool_now(stay.request, stay.failed)
        self.lift(stay.request.tenant[0], pool)
        stay.pool, stay.engine, stay.is_paid, stay.queued_ms = pool, None, True, now_ms

    def hold_back(self, tenant: tuple[str]) -> None:
        """It waits for no engine."""
        if tenant[0] not in self.held:
            self.held.add(tenant[0])
            self.wait_elsewhere(tenant[0])

    def let_go(self, tenant: tuple[str]) -> None:
        if tenant[0] in self.held:
            self.held.remove(tenant[0])
            self.wait_elsewhere(tenant[0])

    def wait_elsewhere(self, tenant: str) -> None:
        """Its requests leave their pool for another one by one, in the order in which they came."""
        own = [stay for stay in self.waiting() if stay.request.tenant[0] == tenant]
        for stay in sorted(own, key=lambda stay: stay.sequence):
            pool = self.pool_now(stay.request, stay.failed)
            self.leave(stay)
            del self.stays[stay.request.id]
            self.lift(tenant, pool)
            stay.pool = pool
            self.stays[stay.request.id] = stay

    def charged_elsewhere(self, tenant: tuple[str], units: int) -> None:
        self.service[tenant[0]] += units * self.scale // self.weights[tenant[0]]

    def settle(self, request_id: str, usage: Usage, *, completed: bool) -> int:
        stay = self.stays[request_id]
        if stay.engine is None:
            self.leave(stay)
        del self.stays[request_id]
        work = (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens)
        self.charge(stay, self.units(*work, stay.pinned))
        self.learn(stay, usage, completed=completed)
        return stay.charged

    def try_again_elsewhere(self, request_id: str, now_ms: int) -> bool:
        stay = self.stays[request_id]
        others = self.serving(stay.request, stay.engine)
        if stay.failed or not any(self.windows[engine] for engine in others):
            return False
        self.charge(stay, 0)
        pool = self.pool_now(stay.request, stay.engine)
        self.lift(stay.request.tenant[0], pool)
        stay.failed, stay.pool, stay.engine, stay.produced = stay.engine, pool, None, 0
        stay.queued_ms = now_ms
        return True

    def cancel(self, request_id: str) -> None:
        self.leave(self.stays[request_id])
        del self.stays[request_id]

    def expire(self, now_ms: int) -> list[str]:
        may_expire = [stay for stay in self.waiting() if not stay.is_paid]
        late = [s for s in may_expire if s.queued_ms + s.request.queue_wait_ms_max <= now_ms]
        late.sort(key=lambda s: (s.queued_ms + s.request.queue_wait_ms_max, s.sequence))
        for stay in late:
            self.cancel(stay.request.id)
        return [stay.request.id for stay in late]
