"""The event loop: pop the next moment, let everybody do what is theirs, go on.

At one moment engines come first, then clients leave and send, then whoever can start is started.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Protocol

from evenhand.sim.engine.protocol import IDLE, Engine
from evenhand.sim.host.protocol import Host
from evenhand.sim.job import NEVER, Job
from evenhand.sim.precedence import Precedence
from evenhand.sim.run_record import Fate, RunRecord
from evenhand.workloads.ask import Ask

Action = Callable[[float], None]
"""Something that happens at a moment: a fault, a departure."""


class Watch(Protocol):
    """Looks on at a run. Called after every moment."""

    def __call__(self, now_ms: float, record: RunRecord) -> None: ...


class Simulation:
    """One run, once. `patience_ms` of an ask's client, `inf` if it stays whatever happens;
    `first_token_patience_ms` the same, as long as nothing has come. After `queue_wait_ms_max` the host
    is told to look who has waited too long."""

    def __init__(
        self,
        asks: Iterator[Ask],
        engines: Sequence[Engine],
        *,
        patience_ms: Callable[[Ask], float] | None = None,
        first_token_patience_ms: Callable[[Ask], float] | None = None,
        queue_wait_ms_max: float = IDLE,
    ) -> None:
        self.record = RunRecord()
        self.now_ms = 0.0
        self._asks = asks
        self._upcoming = next(asks, None)
        self._engines = engines
        self._patience_ms = patience_ms
        self._first_token_patience_ms = first_token_patience_ms
        self._queue_wait_ms_max = queue_wait_ms_max
        self._events: list[tuple[float, int, Action]] = []  # bounded by the asks under way
        self._numbers = count()
        self._boundaries: list[tuple[float, int]] = []
        self._known = [IDLE] * len(engines)
        self._indexes = {engine.name: index for index, engine in enumerate(engines)}
        self._order = Precedence()
        self._host: Host | None = None

    def at(self, at_ms: float, action: Action) -> None:
        """Do something at a moment that has not passed."""
        heappush(self._events, (at_ms, next(self._numbers), action))

    def ended(self, job: Job, fate: Fate) -> None:
        """A job has ended: write it down, see who waited for it. Hosts call it."""
        self.record.add(job, fate)
        if not job.ask.is_awaited:
            return
        for ask, at_ms in self._order.ended(job.ask.id, fate, self.now_ms):
            self._ready(ask, at_ms)

    def run(self, host: Host, watch: Watch | None = None) -> RunRecord:
        """Until nothing is left to do."""
        assert self._host is None, "a simulation runs once"
        self._host = host
        while (at_ms := self._next_moment_ms(host)) != IDLE:
            self.now_ms = at_ms
            host.before(at_ms)
            while self._next_boundary_ms() == at_ms:
                self._advance(heappop(self._boundaries)[1])
            while self._events and self._events[0][0] == at_ms:
                heappop(self._events)[2](at_ms)
            while self._upcoming is not None and self._upcoming.at_ms <= at_ms:
                self._come(self._upcoming)
                self._upcoming = next(self._asks, None)
            for engine in host.look_around(at_ms):
                self._note_boundary(self._indexes[engine.name])
            if watch is not None:
                watch(at_ms, self.record)
        return self.record

    def _next_moment_ms(self, host: Host) -> float:
        """`inf`: nothing is left to do."""
        while True:
            at_ms = self._next_boundary_ms()
            if self._events and self._events[0][0] < at_ms:
                at_ms = self._events[0][0]
            if self._upcoming is not None and self._upcoming.at_ms < at_ms:
                at_ms = self._upcoming.at_ms
            if at_ms != IDLE or not host.waiting():
                return at_ms
            host.give_up(self.now_ms)

    # Engines.

    def lose(self, engine: Engine, now_ms: float) -> None:
        """It fails under all that it has, at this moment of the run."""
        assert self._host is not None
        engine.bring_up(now_ms)
        self._host.failed(engine, engine.fail(), now_ms)

    def give_back(self, engine: Engine, now_ms: float) -> None:
        """It is there again, empty."""
        assert self._host is not None
        self._host.returned(engine, now_ms)

    def look_at(self, engine: Engine) -> None:
        """Its boundary may have changed, and the host does not know."""
        self._note_boundary(self._indexes[engine.name])

    def _next_boundary_ms(self) -> float:
        """Of all engines. Entries that no longer hold are dropped here."""
        boundaries, engines = self._boundaries, self._engines
        while boundaries:
            at_ms, index = boundaries[0]
            if engines[index].boundary_ms == at_ms:
                return at_ms
            heappop(boundaries)
        return IDLE

    def _advance(self, index: int) -> None:
        assert self._host is not None
        engine = self._engines[index]
        self._known[index] = IDLE  # its entry was taken; it may be woken at this very moment
        ended = engine.advance()
        self._host.advanced(engine, ended, self.now_ms)
        self._note_boundary(index)

    def _note_boundary(self, index: int) -> None:
        boundary_ms = self._engines[index].boundary_ms
        if boundary_ms != self._known[index]:
            self._known[index] = boundary_ms
            if boundary_ms != IDLE:
                heappush(self._boundaries, (boundary_ms, index))

    # Asks.

    def _come(self, ask: Ask) -> None:
        """It is its time; it may have to wait for others."""
        if not ask.after:
            self._send(ask, self.now_ms)
            return
        at_ms = self._order.waits(ask)
        if at_ms is not None:
            self._ready(ask, at_ms)

    def _ready(self, ask: Ask, at_ms: float) -> None:
        """All that it waited for has ended; `inf`: it is never sent."""
        if at_ms == IDLE:
            job = Job(ask, self.now_ms)
            job.ended_ms = self.now_ms
            self.ended(job, Fate.NEVER_SENT)
        elif at_ms <= self.now_ms:
            self._send(ask, self.now_ms)
        else:
            self.at(at_ms, partial(self._send, ask))

    def _send(self, ask: Ask, now_ms: float) -> None:
        assert self._host is not None
        job = Job(ask, now_ms)
        engines = self._engines
        if not engines[0].takes(ask) and not any(engine.takes(ask) for engine in engines):
            job.ended_ms = now_ms
            self.ended(job, Fate.REFUSED)
            return
        if self._patience_ms is not None:
            patience_ms = self._patience_ms(ask)
            if patience_ms != IDLE:
                self.at(now_ms + patience_ms, partial(self._leave, job))
        if self._first_token_patience_ms is not None:
            patience_ms = self._first_token_patience_ms(ask)
            if patience_ms != IDLE:
                self.at(now_ms + patience_ms, partial(self._give_up, job))
        if self._queue_wait_ms_max != IDLE:
            self.at(now_ms + self._queue_wait_ms_max, self._host.expire)
        self._host.arrived(job, now_ms)

    def _give_up(self, job: Job, now_ms: float) -> None:
        """It leaves if nothing has come."""
        if job.engine is not None and job.ended_ms == NEVER:
            self._engines[self._indexes[job.engine]].bring_up(now_ms)
        if job.first_token_ms == NEVER:
            self._leave(job, now_ms)

    def _leave(self, job: Job, now_ms: float) -> None:
        assert self._host is not None
        if job.ended_ms == NEVER:
            self._host.left(job, now_ms)
