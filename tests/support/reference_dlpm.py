"""DLPM and DRR as the pages say (order/dlpm.md, order/drr.md), plainly: lists, linear scans, no heaps.

Written from the pages and not from the code. Matches are recomputed from all prefixes that an engine was
given. Without prediction, for prompts that come as tokens.
"""

from dataclasses import dataclass
from typing import Any

from evenhand.model import Request, Usage
from evenhand.scheduling import TenantShare, TokenWeights

Path = tuple[str, ...]
Pool = tuple[str, ...]
TICKS = 720720
"""Of a unit at weight 1; weights must divide it."""
BLOCK_TOKENS = 16
"""What an engine is taken to keep or drop together."""


@dataclass(eq=False)
class Entry:
    request: Request
    sequence: int
    pool: Pool
    queued_ms: int
    home: str | None = None
    engine: str | None = None
    units: int = 0
    produced: int = 0
    tried: str | None = None
    """The engine that failed on it."""
    cached: int = 0
    is_paid: bool = False
    """It was started before, and its engine took it back."""


class ReferenceDlpm:
    def __init__(
        self,
        tenants: tuple[TenantShare, ...],
        cost: TokenWeights,
        *,
        quantum_units: int,
        age_ms: int,
        is_ring: bool,
    ) -> None:
        self.cost, self.age_ms, self.is_ring = cost, age_ms, is_ring
        self.quantum = quantum_units * TICKS
        self.weight: dict[Path, int] = {}
        self.children: dict[Path, list[Path]] = {}
        self._grow((), tenants)
        self.virtual: dict[Path, int] = {}
        self.lift: dict[tuple[Path, Pool], int] = {}
        self.level: dict[tuple[Path, Pool], int] = {}
        self.turn: dict[tuple[Path, Pool], Path] = {}
        self.left: dict[tuple[Path, str], tuple[Path, Pool]] = {}
        self.window: dict[str, int] = {}
        self.models: dict[str, tuple[str, ...]] = {}
        self.held: dict[tuple[str, str], set[bytes]] = {}
        self.waiting: list[Entry] = []
        self.entries: dict[str, Entry] = {}
        self.held_back: set[Path] = set()
        self.sequence = 0

    def _grow(self, path: Path, tenants: tuple[TenantShare, ...]) -> None:
        self.children[path] = [(*path, tenant.name) for tenant in tenants]
        for tenant in tenants:
            self.weight[*path, tenant.name] = tenant.weight
            self._grow((*path, tenant.name), tenant.children)

    # Events, as of the scheduler's surface.

    def engine_changed(self, name: str, *, window: int, models: Any) -> None:
        self.window[name], self.models[name] = window, tuple(models)
        for entry in self.entries.values():
            if entry.engine is not None:
                continue
            if entry.home is None or not self.window[entry.home]:
                entry.home = self._home(entry)

    def submit(self, request: Request, now_ms: int) -> None:
        self.sequence += 1
        if any(self.window[e] for e in self._serving(request)):
            self._wait(Entry(request, self.sequence, self._pool_now(request), now_ms))

    def cancel(self, request_id: str, now_ms: int) -> None:
        self._leave(self.entries.pop(request_id))

    def next(self, now_ms: int) -> tuple[str, str] | None:
        pools = {e.pool for e in self.waiting if any(self._has_slot(n) for n in e.pool)}
        if not pools:
            return None
        entry = self._pick(pools, now_ms)
        self._leave(entry)
        free = [name for name in entry.pool if self._has_slot(name)]
        least = min(free, key=lambda n: self._filled(n, entry))
        entry.engine = entry.home if entry.home in free else least
        request = entry.request
        if entry.is_paid:
            entry.is_paid = False
            return request.id, entry.engine
        tokens, prefix = request.prompt_tokens or 0, request.prefix
        cached = tokens * self._match(request, entry.engine) // len(prefix) if prefix else 0
        self.stored(entry.engine, prefix, request.trust_domain)
        entry.cached = cached
        self._charge(entry, self.cost.of(Usage(tokens, 0, cached)))
        return request.id, entry.engine

    def produced(self, request_id: str, tokens: int, now_ms: int) -> None:
        entry = self.entries[request_id]
        entry.produced += tokens
        self._charge(entry, entry.units + tokens * self.cost.output)

    def settle(self, request_id: str, usage: Usage, outcome: Any, now_ms: int) -> None:
        entry = self.entries.pop(request_id)
        if entry.engine is None:
            self._leave(entry)
        self._charge(entry, self.cost.of(usage))

    def prompt_counted(
        self, request_id: str, input_tokens: int, cached_tokens: int | None, now_ms: int
    ) -> None:
        """If less was cached than believed, what continues it is gone too, but for this prompt."""
        if cached_tokens is None:
            return
        entry = self.entries[request_id]
        request, engine = entry.request, entry.engine
        assert engine is not None
        assert request.prompt_tokens == input_tokens, "so that nothing is to be estimated"
        if request.prefix and input_tokens:
            length = len(request.prefix)
            held = length * entry.cached // input_tokens
            there = (cached_tokens + BLOCK_TOKENS) * length // input_tokens
            if there < held:
                self.evicted(engine, request.prefix[: there + 1], request.trust_domain)
                self.stored(engine, request.prefix, request.trust_domain)
        entry.cached = cached_tokens
        self._charge(entry, self.cost.of(Usage(input_tokens, entry.produced, cached_tokens)))

    def preempted(self, request_id: str, now_ms: int) -> None:
        """It waits again, at its place by arrival, and has paid."""
        entry = self.entries[request_id]
        entry.pool, entry.engine = self._pool_now(entry.request, entry.tried), None
        entry.is_paid, entry.queued_ms = True, now_ms
        self._wait(entry)

    def hold_back(self, tenant: Path) -> None:
        """It waits for no engine."""
        if tenant not in self.held_back:
            self.held_back.add(tenant)
            self._wait_elsewhere(tenant)

    def let_go(self, tenant: Path) -> None:
        if tenant in self.held_back:
            self.held_back.remove(tenant)
            self._wait_elsewhere(tenant)

    def _wait_elsewhere(self, tenant: Path) -> None:
        own = [entry for entry in self.waiting if entry.request.tenant == tenant]
        for entry in sorted(own, key=lambda entry: entry.sequence):
            self._leave(entry)
            entry.pool = self._pool_now(entry.request, entry.tried)
            self._wait(entry)

    def try_again_elsewhere(self, request_id: str, now_ms: int) -> bool:
        entry = self.entries[request_id]
        others = self._serving(entry.request, entry.engine)
        if entry.tried or not any(self.window[name] for name in others):
            return False
        self._charge(entry, 0)
        entry.pool, entry.tried = self._pool_now(entry.request, entry.engine), entry.engine
        entry.queued_ms, entry.engine, entry.produced = now_ms, None, 0
        self._wait(entry)
        return True

    def evicted(self, name: str, prefix: bytes, trust_domain: str) -> None:
        held = self.held.get((trust_domain, name), set())
        gone = {text for text in held if text.startswith(prefix)}
        self.held[trust_domain, name] = (held - gone) | ({prefix[:-1]} if gone else set())

    def stored(self, name: str, prefix: bytes, trust_domain: str) -> None:
        if prefix:
            self.held.setdefault((trust_domain, name), set()).add(prefix)

    def restarted(self, name: str) -> None:
        self.held = {near: held for near, held in self.held.items() if near[1] != name}

    # The rules.

    def _pick(self, pools: set[Pool], now_ms: int) -> Entry:
        node: Path = ()
        while True:
            beneath = [e for e in self.waiting if e.pool in pools and self._is_beneath(e, node)]
            if not self.children[node]:
                return min(beneath, key=lambda e: e.sequence)  # a leaf; DRR only
            for pool in {e.pool for e in beneath}:
                self._set_level(node, pool)
            depth = len(node) + 1
            may_go = [
                e
                for e in beneath
                if self._counter(e.request.tenant[:depth], e.pool) < self.level[node, e.pool]
            ]
            entry = self._in_turn(node, may_go) if self.is_ring else self._first(may_go, now_ms)
            node, pools = entry.request.tenant[:depth], {entry.pool}
            if not self.children[node] and not self.is_ring:
                return entry

    def _set_level(self, node: Path, pool: Pool) -> None:
        least = min(self._counter(child, pool) for child in self._waiting_children(node, pool))
        level = min(self.level.get((node, pool), least + self.quantum), least + self.quantum)
        while level <= least:
            level += self.quantum
        self.level[node, pool] = level

    def _first(self, entries: list[Entry], now_ms: int) -> Entry:
        oldest = min(entries, key=lambda e: (self._due_ms(e), e.sequence))
        if now_ms >= self._due_ms(oldest):
            return oldest
        near = [e for e in entries if e.home is not None and self._has_slot(e.home)]
        return min(
            near, key=lambda e: (-self._match(e.request, e.home or ""), e.sequence), default=oldest
        )

    def _due_ms(self, entry: Entry) -> int:
        return entry.queued_ms + min(self.age_ms, entry.request.queue_wait_ms_max // 2)

    def _in_turn(self, node: Path, entries: list[Entry]) -> Entry:
        """Of each pool whose turn it is, and of these the least."""
        ring, depth = self.children[node], len(node) + 1
        turns: dict[Pool, Entry] = {}
        for entry in entries:
            start = ring.index(self.turn.get((node, entry.pool), ring[0]))

            def place(e: Entry, start: int = start) -> int:
                return (ring.index(e.request.tenant[:depth]) - start) % len(ring)

            best = turns.get(entry.pool)
            if best is None or place(entry) < place(best):
                turns[entry.pool] = entry
        entry = min(
            turns.values(),
            key=lambda e: (
                self._counter(e.request.tenant[:depth], e.pool),
                ring.index(e.request.tenant[:depth]),
                e.pool,
            ),
        )
        self.turn[node, entry.pool] = entry.request.tenant[:depth]
        return entry

    def _wait(self, entry: Entry) -> None:
        """Lift whoever begins to wait for the pool to the present."""
        self.entries[entry.request.id] = entry
        tenant, pool = entry.request.tenant, entry.pool
        for depth in range(len(tenant), 0, -1):
            node, parent = tenant[:depth], tenant[: depth - 1]
            same = self._waiting_children(parent, pool)
            if node not in same:
                present = (
                    min(self._counter(child, pool) for child in same)
                    if same
                    else max((self._present_at(parent, engine) for engine in pool), default=0)
                )
                missing = present - self._counter(node, pool)
                if missing > 0:
                    self.lift[node, pool] = self.lift.get((node, pool), 0) + missing
        self.waiting.append(entry)
        entry.home = self._home(entry)

    def _present_at(self, parent: Path, engine: str) -> int:
        depth = len(parent) + 1
        counters = [
            self._counter(e.request.tenant[:depth], e.pool)
            for e in self.waiting
            if engine in e.pool and self._is_beneath(e, parent)
        ]
        if counters:
            return min(counters)
        left = self.left.get((parent, engine))
        return self._counter(*left) if left else 0

    def _leave(self, entry: Entry) -> None:
        self.waiting.remove(entry)
        tenant, pool = entry.request.tenant, entry.pool
        for depth in range(len(tenant), 0, -1):
            node, parent = tenant[:depth], tenant[: depth - 1]
            waits = self._waiting_children(parent, pool)
            if node not in waits:
                for engine in pool:
                    self.left[parent, engine] = node, pool
            if not waits:
                self.level.pop((parent, pool), None)
                self.turn.pop((parent, pool), None)

    def _charge(self, entry: Entry, units: int) -> None:
        """Make it what the request is charged in all."""
        tenant = entry.request.tenant
        for depth in range(1, len(tenant) + 1):
            ticks = (units - entry.units) * (TICKS // self.weight[tenant[:depth]])
            self.virtual[tenant[:depth]] = self.virtual.get(tenant[:depth], 0) + ticks
        entry.units = units

    # Looking.

    def _serving(self, request: Request, but: str | None = None) -> Pool:
        return tuple(sorted(e for e, m in self.models.items() if request.model in m and e != but))

    def _pool_now(self, request: Request, but: str | None = None) -> Pool:
        """Where it competes: for no engine while its tenant is held back."""
        return () if request.tenant in self.held_back else self._serving(request, but)

    def _counter(self, node: Path, pool: Pool) -> int:
        return self.virtual.get(node, 0) + self.lift.get((node, pool), 0)

    def _is_beneath(self, entry: Entry, node: Path) -> bool:
        return entry.request.tenant[: len(node)] == node

    def _waiting_children(self, node: Path, pool: Pool) -> set[Path]:
        beneath = (e for e in self.waiting if e.pool == pool and self._is_beneath(e, node))
        return {e.request.tenant[: len(node) + 1] for e in beneath}

    def _in_flight(self, engine: str) -> int:
        return sum(entry.engine == engine for entry in self.entries.values())

    def _has_slot(self, engine: str) -> bool:
        return self._in_flight(engine) < self.window[engine]

    def _home(self, entry: Entry) -> str | None:
        up = [] if self.is_ring else [name for name in entry.pool if self.window[name]]
        return min(up, key=lambda n: self._filled(n, entry), default=None)

    def _filled(self, engine: str, but: Entry) -> tuple[int, str]:
        near = sum(e.home == engine for e in self.waiting if e is not but)
        return (self._in_flight(engine) + near) * 2**20 // self.window[engine], engine

    def _match(self, request: Request, engine: str) -> int:
        held = set() if self.is_ring else self.held.get((request.trust_domain, engine), set())
        lengths = range(len(request.prefix), 0, -1)
        found = (n for n in lengths if any(text.startswith(request.prefix[:n]) for text in held))
        return next(found, 0)
