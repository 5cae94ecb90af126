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
    tried: bool = False


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
        pool = tuple(sorted(e for e in self.models if request.model in self.models[e]))
        if any(self.window[e] for e in pool):
            self._wait(Entry(request, self.sequence, pool, now_ms))

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
        tokens, prefix = request.prompt_tokens or 0, request.prefix
        cached = tokens * self._match(request, entry.engine) // len(prefix) if prefix else 0
        self.held.setdefault((request.trust_domain, entry.engine), set()).add(prefix)
        self._charge(entry, self.cost.of(Usage(tokens, 0, cached)))
        return request.id, entry.engine

    def produced(self, request_id: str, tokens: int, now_ms: int) -> None:
        entry = self.entries[request_id]
        entry.produced += tokens
        self._charge(entry, entry.units + tokens * self.cost.output)

    def settle(self, request_id: str, usage: Usage, outcome: Any, now_ms: int) -> None:
        self._charge(self.entries.pop(request_id), self.cost.of(usage))

    def try_again_elsewhere(self, request_id: str, now_ms: int) -> bool:
        entry = self.entries[request_id]
        pool = tuple(name for name in entry.pool if name != entry.engine)
        if entry.tried or not any(self.window[name] for name in pool):
            return False
        self._charge(entry, 0)
        entry.pool, entry.queued_ms, entry.tried, entry.engine = pool, now_ms, True, None
        self._wait(entry)
        return True

    def evicted(self, engine: str, prefix: bytes, domain: str) -> None:
        held = self.held.get((domain, engine), set())
        gone = {text for text in held if text.startswith(prefix)}
        self.held[domain, engine] = (held - gone) | ({prefix[:-1]} if gone else set())

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
                    else max(self._present_at(parent, engine) for engine in pool)
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
