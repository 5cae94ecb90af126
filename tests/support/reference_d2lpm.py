"""D2LPM's dispatcher once more, from its page: dictionaries and linear scans, deficits, no levels.

It is told of every call and says which engine a request must go to. It shares no code with the core.
Prompts must be whole blocks, and two that differ do so in the first byte of a block.
"""

from dataclasses import dataclass

from evenhand.model import EngineName, Request

BLOCK = 64


@dataclass(eq=False)
class Open:
    request: Request
    excluded: EngineName | None = None
    home: EngineName | None = None
    engine: EngineName | None = None
    charged_at_home: int = 0
    outstanding: int = 0
    expected_output: int = 0  # of a second try: what the first has produced

    @property
    def place(self) -> EngineName | None:
        return self.engine or self.home


class ReferenceD2lpm:
    def __init__(
        self, weights: dict[str, int], *, input_units: int, output_units: int, quantum: int
    ) -> None:
        self.weights = weights
        self.input_units, self.output_units, self.quantum = input_units, output_units, quantum
        self.windows: dict[EngineName, int] = {}
        self.models: dict[EngineName, set[str]] = {}
        self.held: dict[EngineName, set[bytes]] = {}
        self.deficits: dict[str, dict[EngineName, int]] = {name: {} for name in weights}
        self.open: dict[str, Open] = {}

    # What happens.

    def engine_changed(self, name: EngineName, window: int, models: set[str]) -> None:
        if self.models.get(name, models) != models:
            self.held[name] = set()
        self.windows[name], self.models[name] = window, models
        self.held.setdefault(name, set())
        for one in self.open.values():
            if one.engine is None and (one.home is None or not self.windows[one.home]):
                self.leave_home(one)
                self.give_home(one)

    def evicted(self, name: EngineName, prefix: bytes) -> None:
        self.held[name] = {held for held in self.held[name] if not held.startswith(prefix)}

    def submitted(self, request: Request) -> None:
        one = self.open[request.id] = Open(request)
        self.give_home(one)

    def started(self, request_id: str) -> EngineName:
        one = self.open[request_id]
        free = [e for e in self.pool(one) if self.in_flight(e) < self.windows[e]]
        self.leave_home(one)
        engine = self.taken_by(one, free)
        cached = self.matched(one.request, engine)
        one.engine = engine
        self.charge(one, engine, self.input_cost(one))
        one.outstanding = self.uncached(one.request, cached)
        prefix = one.request.prefix
        self.held[engine] |= {prefix[:n] for n in range(BLOCK, len(prefix) + 1, BLOCK)}
        return engine

    def left(self, request_id: str) -> None:
        """It was cancelled, or waited too long."""
        self.leave_home(self.open.pop(request_id))

    def settled(self, request_id: str, output_tokens: int) -> None:
        one = self.open.pop(request_id)
        self.charge(one, one.engine, output_tokens * self.output_units)

    def tries_again(self, request_id: str, output_tokens: int) -> None:
        one = self.open[request_id]
        self.charge(one, one.engine, output_tokens * self.output_units)
        one.excluded, one.engine, one.outstanding = one.engine, None, 0
        one.expected_output = output_tokens
        self.give_home(one)

    # What the page says.

    def give_home(self, one: Open) -> None:
        up = [e for e in self.pool(one) if self.windows[e]]
        one.home, one.outstanding = None, 0
        if not up:
            return
        one.home = up[0] if len(up) == 1 else self.choose(one, up)
        one.charged_at_home = self.input_cost(one)
        self.charge(one, one.home, one.charged_at_home)
        cached = self.matched(one.request, one.home)
        one.outstanding = self.uncached(one.request, cached) + one.expected_output

    def leave_home(self, one: Open) -> None:
        if one.home is not None:
            self.charge(one, one.home, -one.charged_at_home)
        one.outstanding = 0

    def taken_by(self, one: Open, free: list[EngineName]) -> EngineName:
        if one.home is not None and one.home in free:
            return one.home
        return free[0] if len(free) == 1 else self.choose(one, free)

    def choose(self, one: Open, candidates: list[EngineName]) -> EngineName:
        tenant, quantum = self.tenant(one), self.quantum_of(one)
        while not any(self.deficit(tenant, e, quantum) > 0 for e in candidates):
            for engine in self.deficits[tenant]:
                self.deficits[tenant][engine] += quantum
        eligible = [e for e in candidates if self.deficit(tenant, e, quantum) > 0]
        lengths = {e: self.held_or_expected(one, e) for e in candidates}
        holders = [e for e in eligible if lengths[e] == max(lengths.values())]
        return min(holders or eligible, key=lambda e: (self.outstanding(e, one), e))

    def charge(self, one: Open, engine: EngineName | None, units: int) -> None:
        assert engine is not None
        tenant = self.tenant(one)
        left = self.deficit(tenant, engine, self.quantum_of(one))
        self.deficits[tenant][engine] = left - units

    def deficit(self, tenant: str, engine: EngineName, quantum: int) -> int:
        return min(quantum, self.deficits[tenant].get(engine, quantum))

    def quantum_of(self, one: Open) -> int:
        return self.quantum * self.weights[self.tenant(one)]

    def tenant(self, one: Open) -> str:
        return one.request.tenant[-1]

    def pool(self, one: Open) -> list[EngineName]:
        serving = [e for e in self.models if one.request.model in self.models[e]]
        return sorted(e for e in serving if e != one.excluded)

    def in_flight(self, engine: EngineName) -> int:
        return sum(one.engine == engine for one in self.open.values())

    def outstanding(self, engine: EngineName, but: Open) -> int:
        others = (one for one in self.open.values() if one is not but)
        return sum(one.outstanding for one in others if one.place == engine)

    def input_cost(self, one: Open) -> int:
        assert one.request.prompt_tokens is not None
        return one.request.prompt_tokens * self.input_units

    def uncached(self, request: Request, matched: int) -> int:
        assert request.prompt_tokens is not None
        if not request.prefix:
            return request.prompt_tokens
        return request.prompt_tokens - request.prompt_tokens * matched // len(request.prefix)

    def matched(self, request: Request, engine: EngineName) -> int:
        length = 0
        while (
            length < len(request.prefix) and request.prefix[: length + BLOCK] in self.held[engine]
        ):
            length += BLOCK
        return length

    def held_or_expected(self, one: Open, engine: EngineName) -> int:
        near = [
            common(one.request.prefix, other.request.prefix)
            for other in self.open.values()
            if other.engine is None and other.home == engine and other is not one
        ]
        return max([self.matched(one.request, engine), *near])


def common(a: bytes, b: bytes) -> int:
    length = 0
    while length < min(len(a), len(b)) and a[length] == b[length]:
        length += BLOCK
    return length
