"""Keeps books of its own of what transformers' engine does, and holds the core's books to them.

Nothing of the plug-in is used but what it says.
"""

import random
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import Any

from evenhand.inengine.host import EngineHost
from evenhand.inengine.settings import InEngineSettings
from evenhand.inengine.transformers import FairScheduler
from evenhand.inengine.transformers.tenants import Notes
from evenhand.scheduling.recorder import Event, Recorder
from support.transformers_engine import VOCABULARY, Shape, SteppedEngine

INPUT, CACHED, OUTPUT = 10, 1, 20
"""What a token costs."""


@dataclass(eq=False)
class Work:
    """What was done for a request. `position` is how far its text was ever computed."""

    tenant: str
    prompt_tokens: int
    cached: int | None = None
    position: int = 0
    outputs: int = 0
    is_over: bool = False

    @property
    def units(self) -> int:
        """Every place of its text once, however often it was computed; of a prompt that is being
        computed all of it."""
        if self.cached is None:
            return 0
        prompt = self.prompt_tokens
        if self.is_over:
            prompt = min(prompt, max(self.position, self.cached))
        return (prompt - self.cached) * INPUT + self.cached * CACHED + self.outputs * OUTPUT


def fair_engine(model: Any, shape: Shape, **settings: Any) -> SteppedEngine:
    """With the core inside, and without an audit."""
    found = InEngineSettings.of({"trust_hints": True, **settings})
    return SteppedEngine(model, shape, partial(FairScheduler, settings=found, notes=Notes()))


class AuditedEngine(SteppedEngine):
    def __init__(self, model: Any, shape: Shape, *, seed: int = 0, **settings: Any) -> None:
        self.shape = shape
        self.events: list[Event] = []
        """Every call of the core that can change it."""
        record = partial(Recorder, sink=self.events.append)
        super().__init__(
            model,
            shape,
            partial(
                FairScheduler,
                settings=InEngineSettings.of({"trust_hints": True, **settings}),
                notes=Notes(),
                host=lambda settings, **how: EngineHost(settings, **{**how, "scheduler": record}),
            ),
            seed,
        )
        self.host: EngineHost = self.scheduler.host
        self.work: dict[str, Work] = {}
        self.seen: Counter[str] = Counter()
        """What happened, so that a run can be asked whether it was worth while."""
        self._search = self.cache.search_prefix_match
        self.cache.search_prefix_match = self._find

    def ask(
        self, tenant: str, prompt: list[int], answer: int, application: str | None = None
    ) -> str:
        request_id = f"{tenant}~{len(self.work)}"
        if application is not None:
            request_id = f"{tenant}~default~{application}~{len(self.work)}"
        self.work[request_id] = Work(tenant, len(prompt))
        self.add(request_id, prompt, answer)
        return request_id

    def abort(self, request_id: str) -> None:
        self.cancel(request_id)
        self.seen["aborts"] += 1

    def step(self) -> list[Any]:
        waited = set(self.scheduler.waiting_requests)
        recomputed = self.scheduler.accounts().recomputed
        batch = super().step()
        again = 0
        for part in batch:
            again += self._computed(part)
        self.seen["recomputed"] += again
        accounts = self.scheduler.accounts()
        assert accounts.recomputed - recomputed == again
        assert accounts.sum == accounts.scheduled
        self.seen["taken back"] += len(
            {part.state.request_id for part in batch} & waited & self._known_before(batch)
        )
        self.check()
        return batch

    def check(self) -> None:
        """Call when a step is over."""
        engine = self.scheduler
        # What has just ended is told of at the next step: tell of it now, as that would.
        engine.clear_cancelled_requests()
        open_ids = {*engine.active_requests, *engine.waiting_requests}
        for request_id, work in self.work.items():
            work.is_over = request_id not in open_ids and request_id in self._heard
        assert self.host.scheduler.open_requests() == len(open_ids)
        assert not engine.active_requests.keys() & engine.waiting_requests.keys()
        assert len(engine.active_requests) <= self.shape.seats
        served: Counter[str] = Counter()
        for work in self.work.values():
            served[work.tenant] += work.units
        for tenant, units in served.items():
            if units:
                assert self.host.scheduler.served_units((tenant,)) == units, tenant

    def finish(self) -> None:
        """Until nothing is open; then nothing is left behind."""
        self.run_dry()
        self.check()
        assert all(work.is_over for work in self.work.values())
        assert self.host.scheduler.open_units() == 0
        assert self.is_all_free()

    @property
    def _heard(self) -> set[str]:
        """What the engine's front end has handed on."""
        if self.manager.input_queue.empty():
            return set(self.work)
        return set(self.work) - {state.request_id for state in self.manager.input_queue.queue}

    def _known_before(self, batch: list[Any]) -> set[str]:
        return {p.state.request_id for p in batch if self.work[p.state.request_id].position}

    def _find(self, request_id: str, tokens: list[int]) -> int:
        """What the engine finds in its cache is the request's from then on, though there may be no room
        to go on yet."""
        found = int(self._search(request_id, tokens))
        work = self.work[request_id]
        if found:
            own = min(found, len(tokens) - 1)
            work.position = max(work.position, own)
            if work.cached is None:
                work.cached = min(own, work.prompt_tokens)
                self.seen["cached"] += work.cached
        return found

    def _computed(self, part: Any) -> int:
        """How much of it was computed before."""
        state, work = part.state, self.work[part.state.request_id]
        end = state.position_offset
        start = end - part.query_length
        if work.cached is None:
            work.cached = 0
        again: int = max(0, min(end, work.position) - start)
        work.position = max(work.position, end)
        self.seen["chunks"] += not part.has_new_token
        work.outputs += part.has_new_token
        return again


def random_run(engine: AuditedEngine, seed: int, steps: int, *, shared: int = 0) -> None:
    """Three tenants, one of which sends most; some clients leave. `shared`: so long a beginning is the
    same for a tenant's prompts."""
    dice = random.Random(seed)
    begins = {t: [dice.randrange(VOCABULARY) for _ in range(shared)] for t in "abc"}
    for _ in range(steps):
        while len(engine.scheduler.waiting_requests) < 12 and dice.random() < 0.4:
            tenant = dice.choice("aaaabc")
            tokens = dice.choice([dice.randrange(1, 12), dice.randrange(12, 90)])
            prompt = begins[tenant] + [dice.randrange(VOCABULARY) for _ in range(tokens)]
            engine.ask(tenant, prompt, dice.randrange(1, 24))
        if dice.random() < 0.05 and engine.work:
            engine.abort(dice.choice(list(engine.work)))
        engine.step()
