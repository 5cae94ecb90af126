"""Engines with windows and clients of many habits around a real scheduler, in simulated microseconds.

A plain discrete-event run. At one moment slots become free first, then come arrivals, then clients
leave, then requests start. An engine works on a request for `input_us` a prompt token and `output_us`
an output token; by default a slot so does one service unit a microsecond. Service is counted here,
from what the engines have really done, never read off the scheduler. After every moment the run is
checked to leave no slot free that somebody waits for.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import repeat
from typing import NamedTuple

from evenhand.locality import PrefixIndex
from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, TenantPath, Usage
from evenhand.scheduling import Refusal, Scheduler
from support.policies import COST

FOREVER = 10**15
MODEL = ModelName("m")
SECOND = 1_000_000
_ENGINES, _CLIENTS, _LEAVING = range(3)
"""What comes first at one moment."""


class Job(NamedTuple):
    """What a request makes an engine do. `output` is of all choices together; `declared` is the most
    that its client allows for each. `leaves_at`: its client leaves when so many tokens have come."""

    prompt: int
    output: int
    cached: int = 0
    choices: int = 1
    declared: int | None = None
    leaves_at: int = FOREVER
    prefix: bytes = b""

    @property
    def units(self) -> int:
        output = min(self.output, self.leaves_at)
        return COST.of(Usage(self.prompt, output, self.cached))


@dataclass(eq=False, kw_only=True)
class Client:
    """Asks for its jobs in turn: every so many microseconds (`gaps_us`), or whenever fewer than
    `in_flight` are open. Sleeps outside the spans `on_us`. Leaves after `patience_us` in the queue.
    Comes back `retry_us` after a refusal or its own leaving."""

    tenant: TenantPath
    jobs: Iterator[Job]
    gaps_us: Iterator[int] | None = None
    in_flight: int = 0
    on_us: tuple[tuple[int, int], ...] = ((0, FOREVER),)
    patience_us: int | None = None
    retry_us: int = SECOND
    model: ModelName = MODEL
    open: int = 0
    comes_back: bool = False

    def next_on(self, now_us: int) -> int | None:
        """Now, or when it wakes; None: never again."""
        return next((max(now_us, start) for start, end in self.on_us if now_us < end), None)


def same(prompt: int, output: int) -> Iterator[Job]:
    return repeat(Job(prompt, output))


@dataclass(slots=True, eq=False)
class _Stay:
    """A request from arrival to ending."""

    id: RequestId
    client: Client
    job: Job
    arrived_us: int
    engine: EngineName | None = None
    produced: int = 0


@dataclass
class Figures:
    """What became of the tenants' requests. Units are the engines' work: done, and `given` with every
    start."""

    units: Counter[TenantPath] = field(default_factory=Counter)
    given_units: Counter[TenantPath] = field(default_factory=Counter)
    offered_units: Counter[TenantPath] = field(default_factory=Counter)
    ended: Counter[Outcome] = field(default_factory=Counter)
    completed: Counter[TenantPath] = field(default_factory=Counter)
    refused: Counter[TenantPath] = field(default_factory=Counter)
    waits_us: dict[TenantPath, list[int]] = field(default_factory=lambda: defaultdict(list))
    passed_over_units: Counter[TenantPath] = field(default_factory=Counter)
    """The most that was done for others while a tenant waited and none of its own was started."""


class SimulatedEngines:
    """One run. `watch` is called after every moment."""

    def __init__(
        self,
        scheduler: Scheduler,
        clients: list[Client],
        engines: Mapping[str, int],
        *,
        models: Mapping[str, tuple[ModelName, ...]] | None = None,
        watch: Callable[["SimulatedEngines"], None] = lambda _: None,
        chunk_tokens: int = 50,
        cache_bytes: int | None = None,
        input_us: int = COST.input,
        output_us: int = COST.output,
    ) -> None:
        self.scheduler, self.figures = scheduler, Figures()
        self.now_us = self.total_units = 0
        self.waiting: Counter[TenantPath] = Counter()
        self._watch, self._chunk_tokens = watch, chunk_tokens
        self._input_us, self._output_us = input_us, output_us
        self._slots = {EngineName(name): window for name, window in engines.items()}
        self._queued: dict[RequestId, _Stay] = {}
        self._queued_by_model: Counter[ModelName] = Counter()
        self._others_done: dict[TenantPath, int] = {}
        self._events: list[tuple[int, int, int, Callable[..., None], Client | _Stay]] = []
        self._count = 0
        self._serving: dict[ModelName, list[EngineName]] = defaultdict(list)
        self._caches = {
            EngineName(name): PrefixIndex(cache_bytes) for name in engines if cache_bytes
        }
        for name, window in engines.items():
            served = models[name] if models else (MODEL,)
            scheduler.engine_changed(EngineName(name), window=window, models=served)
            for model in served:
                self._serving[model].append(EngineName(name))
        for client in clients:
            self._wake(client)

    @property
    def now_ms(self) -> int:
        return self.now_us // 1000

    def run(self, until_us: int) -> Figures:
        """Go on until that moment, which is not part of it."""
        events = self._events
        while events and events[0][0] < until_us:
            now = self.now_us = events[0][0]
            while events and events[0][0] == now:
                _, _, _, event, what = heappop(events)
                event(what)
            self._start_all()
            self._watch(self)
        self.now_us = until_us
        for tenant, waits in self.waiting.items():
            if waits:
                self._note_passed_over(tenant)
        return self.figures

    def served_between(self, from_us: int, until_us: int) -> tuple[dict[TenantPath, int], int]:
        """Run on; the units done in between, by tenant and in all."""
        before, total = Counter(self.run(from_us).units), self.total_units
        after = self.run(until_us).units
        return {t: after[t] - before[t] for t in after}, self.total_units - total

    # Clients.

    def _wake(self, client: Client) -> None:
        at_us = client.next_on(self.now_us)
        if at_us is not None:
            self._at(at_us, _CLIENTS, self._ask, client)

    def _ask(self, client: Client) -> None:
        """Its turn: once, or until enough are open. Sleeps on if it is not awake."""
        if client.next_on(self.now_us) != self.now_us:
            self._wake(client)
        elif client.gaps_us is not None:
            self._arrive(client)
            self._at(self.now_us + next(client.gaps_us), _CLIENTS, self._ask, client)
        else:
            while client.open < client.in_flight and self._arrive(client):
                pass  # each arrival is one more open

    def _arrive(self, client: Client) -> bool:
        job = next(client.jobs)
        self._count += 1
        request = Request(
            id=RequestId(str(self._count)),
            tenant=client.tenant,
            model=client.model,
            body_bytes=1,
            prompt_tokens=job.prompt,
            output_tokens_max=job.declared,
            choices=job.choices,
            prefix=job.prefix,
            queue_wait_ms_max=FOREVER,
        )
        stay = _Stay(request.id, client, job, self.now_us)
        self.figures.offered_units[client.tenant] += job.units
        client.open += 1
        engine = self.scheduler.start_at_once(request, self.now_ms)
        if engine is not None:
            self._start(stay, engine)
            return True
        submission = self.scheduler.submit(request, self.now_ms)
        for refusal in submission.shed:
            self._refused(self._unqueue(refusal.request.id), refusal)
        if submission.refused is not None:
            self._refused(stay, submission.refused)
            return False
        self._queue(stay)
        return True

    def _refused(self, stay: _Stay, refusal: Refusal) -> None:
        self.figures.refused[stay.client.tenant] += 1
        self._over(stay, refusal.outcome, stay.client.retry_us)

    def _lose_patience(self, stay: _Stay) -> None:
        if stay.id in self._queued:
            self.scheduler.cancel(stay.id, self.now_ms)
            self._over(self._unqueue(stay.id), Outcome.CANCELLED_QUEUED, stay.client.retry_us)

    def _over(self, stay: _Stay, outcome: Outcome, pause_us: int) -> None:
        self.figures.ended[outcome] += 1
        client = stay.client
        client.open -= 1
        if client.gaps_us is not None:
            return
        if not pause_us:
            self._at(self.now_us, _CLIENTS, self._ask, client)
        elif not client.comes_back:
            client.comes_back = True
            self._at(self.now_us + pause_us, _CLIENTS, self._come_back, client)

    def _come_back(self, client: Client) -> None:
        client.comes_back = False
        self._ask(client)

    # The queue, as we see it.

    def _queue(self, stay: _Stay) -> None:
        client = stay.client
        self._queued[stay.id] = stay
        self._queued_by_model[client.model] += 1
        self.waiting[client.tenant] += 1
        if self.waiting[client.tenant] == 1:
            self._others_done[client.tenant] = self._done_for_others(client.tenant)
        if client.patience_us is not None:
            self._at(self.now_us + client.patience_us, _LEAVING, self._lose_patience, stay)

    def _unqueue(self, request_id: RequestId) -> _Stay:
        stay = self._queued.pop(request_id)
        self._queued_by_model[stay.client.model] -= 1
        self.waiting[stay.client.tenant] -= 1
        return stay

    def _done_for_others(self, tenant: TenantPath) -> int:
        return self.total_units - self.figures.units[tenant]

    def _note_passed_over(self, tenant: TenantPath) -> None:
        """So much was done for others since it began to wait, or since its last start."""
        units = self._done_for_others(tenant) - self._others_done[tenant]
        most = self.figures.passed_over_units
        most[tenant] = max(most[tenant], units)

    # Engines.

    def _start_all(self) -> None:
        while (start := self.scheduler.next(self.now_ms)) is not None:
            stay = self._unqueue(start.request.id)
            self._note_passed_over(stay.client.tenant)
            self._others_done[stay.client.tenant] = self._done_for_others(stay.client.tenant)
            self._start(stay, start.engine)
        for model, queued in self._queued_by_model.items():
            idle = queued and any(self._slots[name] for name in self._serving[model])
            assert not idle, "a slot is free that somebody waits for"

    def _start(self, stay: _Stay, engine: EngineName) -> None:
        assert engine in self._serving[stay.client.model]
        assert self._slots[engine] > 0, "more in flight than the window"
        self._slots[engine] -= 1
        stay.engine = engine
        self._look_into_the_cache(stay, engine)
        job, tenant, figures = stay.job, stay.client.tenant, self.figures
        figures.waits_us[tenant].append(self.now_us - stay.arrived_us)
        figures.given_units[tenant] += job.units
        self._go_on(
            stay, (job.prompt - job.cached) * self._input_us + job.cached * self._input_us // 10
        )

    def _look_into_the_cache(self, stay: _Stay, engine: EngineName) -> None:
        """What the engine holds of the prompt need not be computed; and it holds it all from now on."""
        cache, prefix = self._caches.get(engine), stay.job.prefix
        if cache is None or not prefix:
            return
        cached = stay.job.prompt * cache.matched(prefix, engine) // len(prefix)
        stay.job = stay.job._replace(cached=cached)
        cache.insert(prefix, engine)

    def _go_on(self, stay: _Stay, prompt_us: int = 0) -> None:
        tokens = self._next_chunk(stay)
        self._at(self.now_us + prompt_us + tokens * self._output_us, _ENGINES, self._work, stay)

    def _next_chunk(self, stay: _Stay) -> int:
        end = min(stay.job.output, stay.job.leaves_at)
        return min(self._chunk_tokens, end - stay.produced)

    def _work(self, stay: _Stay) -> None:
        """A chunk has come, with the first also the prompt is done."""
        job, tokens = stay.job, self._next_chunk(stay)
        units = tokens * COST.output
        if stay.produced == 0:
            units += COST.of(Usage(job.prompt, 0, job.cached))
        stay.produced += tokens
        self.total_units += units
        self.figures.units[stay.client.tenant] += units
        self.scheduler.produced(stay.id, tokens, self.now_ms)
        if stay.produced < min(job.output, job.leaves_at):
            self._go_on(stay)
        else:
            self._end(stay)

    def _end(self, stay: _Stay) -> None:
        job = stay.job
        whole = stay.produced == job.output
        outcome = Outcome.COMPLETED if whole else Outcome.CANCELLED_RUNNING
        usage = Usage(job.prompt, stay.produced, job.cached)
        self.scheduler.settle(stay.id, usage, outcome, self.now_ms)
        assert stay.engine is not None
        self._slots[stay.engine] += 1
        self.figures.completed[stay.client.tenant] += whole
        self._over(stay, outcome, 0)

    def _at(self, at_us: int, rank: int, event: Callable[..., None], what: Client | _Stay) -> None:
        self._count += 1
        heappush(self._events, (at_us, rank, self._count, event, what))
