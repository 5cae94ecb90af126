"""A modelled engine, driven as a gateway drives one: as many requests as a window allows, always more
waiting.

    run = Driven(profile, control, asks).until(60_000)
    run.tokens(5_000, 60_000), run.queue_percentile(95, 5_000), run.idle_ms

The engine is the simulator's, held against measured ones. What lies between it and the gateway takes
`hop_ms` each way. `control` None is the engine driven without limit: all of `flood` requests at once.
"""

import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from itertools import count

from evenhand.model import EngineName, EngineReport
from evenhand.scheduling.window import WindowControl
from evenhand.sim.engine.protocol import IDLE
from evenhand.sim.engine.vllm.loop import VllmLoop
from evenhand.sim.host.at_gateway import EngineQueue
from evenhand.sim.job import NEVER, Job
from evenhand.sim.profile import EngineProfile
from evenhand.workloads.ask import Ask

ReportOf = Callable[["Driven"], EngineReport | None]


def asks_of(
    seed: int, *, prompt: tuple[int, int] = (20, 400), answer: tuple[int, int] = (20, 300)
) -> Iterator[Ask]:
    """Endless requests of one tenant, of lengths drawn evenly."""
    draw = random.Random(seed).randint
    for number in count():
        yield Ask(
            id=number,
            at_ms=0.0,
            tenant=("a",),
            input_tokens=draw(*prompt),
            output_tokens=draw(*answer),
        )


def honest(driven: "Driven") -> EngineReport:
    """What vLLM tells of itself."""
    engine = driven.engine
    return EngineReport(
        running=driven.running,
        waiting=driven.waiting,
        kv_used_permille=min(1000, 1000 * engine.kv_tokens_used() // engine.kv_tokens_total),
        preemptions=engine.preemptions,
    )


def silent(driven: "Driven") -> None:
    """An engine that tells nothing."""
    del driven


@dataclass(frozen=True)
class Sample:
    """At one moment: what waits inside the engine, what it works on, what it may be given, and the
    output of all that it has done."""

    at_ms: float
    waiting: int
    running: int
    window: int
    tokens: int


class Driven:
    """One engine and its window. `demand` is how many clients there are at a moment, each of which asks
    again when it has its answer; by default there are always more."""

    def __init__(
        self,
        profile: EngineProfile,
        control: WindowControl | None,
        asks: Iterator[Ask],
        *,
        flood: int = 1000,
        report_of: ReportOf = honest,
        report_every_ms: float = 500.0,
        look_every_ms: float = 250.0,
        hop_ms: float = 1.0,
        are_whole: bool = False,
        demand: Callable[[float], int] = lambda _now_ms: 1 << 30,
    ) -> None:
        self.queue = EngineQueue()
        self.engine = VllmLoop(EngineName("e"), profile, self.queue)
        self.control = control
        self.in_flight = 0
        self.is_silent = False
        """The engine tells nothing of itself."""
        self.running = self.waiting = 0
        """What the engine worked on and what it left waiting when it looked last, which is what it
        tells."""
        self.samples: list[Sample] = []
        self.idle_ms = 0.0
        self.now_ms = 0.0
        self._asks = asks
        self._flood = flood
        self._report_of = report_of
        self._hop_ms = hop_ms
        self._are_whole = are_whole
        self._demand = demand
        self._done_tokens = 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._unanswered: deque[Job] = deque()
        self._every(report_every_ms, self._report)
        self._every(look_every_ms, self._look)
        self._every(50.0, self._sample)

    def at(self, at_ms: float, action: Callable[[], None]) -> None:
        heappush(self._events, (at_ms, next(self._numbers), action))

    def slow_down(self, factor: float) -> None:
        """From now on."""
        self.engine.slow_down(factor, self.now_ms)

    def until(self, end_ms: float) -> "Driven":
        """Go on until then."""
        engine = self.engine
        self._start_all()
        while True:
            event_ms = self._events[0][0]
            at_ms = min(event_ms, engine.boundary_ms)
            if at_ms > end_ms:
                return self
            if engine.boundary_ms == IDLE and self._demand(self.now_ms) > self.in_flight:
                self.idle_ms += at_ms - self.now_ms
            self.now_ms = at_ms
            if engine.boundary_ms <= event_ms:
                ended = engine.advance()
                preempted = len(engine._preempted)
                self.running = len(engine.running()) - preempted
                self.waiting = len(self.queue.jobs) + preempted
                for job in ended:
                    self._done_tokens += job.ask.output_tokens
                    self.at(at_ms + self._hop_ms, partial(self._ended, job))
            else:
                heappop(self._events)[2]()

    def tokens(self, begin_ms: float, end_ms: float) -> int:
        """Output of the engine between two moments."""
        within = [s.tokens for s in self.samples if begin_ms <= s.at_ms <= end_ms]
        return within[-1] - within[0]

    def queue_percentile(self, percent: int, begin_ms: float, end_ms: float = IDLE) -> int:
        """Of what waited inside the engine, over time."""
        waiting = sorted(s.waiting for s in self.samples if begin_ms <= s.at_ms <= end_ms)
        return waiting[len(waiting) * percent // 100]

    def at_moment(self, at_ms: float) -> Sample:
        """The first look at or after it."""
        return next(sample for sample in self.samples if sample.at_ms >= at_ms)

    # Inside.

    def _start_all(self) -> None:
        control = self.control
        window = self._flood if control is None else control.window
        while self.in_flight < min(window, self._demand(self.now_ms)):
            job = Job(next(self._asks), self.now_ms)
            job.started_ms = self.now_ms
            self.in_flight += 1
            if control is not None:
                prompt = None if self._are_whole else job.ask.input_tokens
                control.started(job.id, prompt, self._now_us())
                if not self._are_whole:
                    self._unanswered.append(job)
            self.at(self.now_ms + self._hop_ms, partial(self._arrive, job))

    def _arrive(self, job: Job) -> None:
        self.queue.jobs.append(job)
        self.engine.wake(self.now_ms)

    def _ended(self, job: Job) -> None:
        self.in_flight -= 1
        if self.control is not None:
            self._tell_first_tokens()
            tokens = job.ask.output_tokens if self._are_whole else None
            self.control.ended(job.id, tokens, self._now_us())
        self._start_all()

    def _tell_first_tokens(self) -> None:
        """Of all that have come, each at the moment at which it came."""
        control = self.control
        assert control is not None
        self.engine.bring_up(self.now_ms)
        for _ in range(len(self._unanswered)):
            job = self._unanswered.popleft()
            if job.first_token_ms == NEVER or job.first_token_ms + self._hop_ms > self.now_ms:
                self._unanswered.append(job)
                continue
            seen_us = int((job.first_token_ms + self._hop_ms) * 1000)
            control.first_token(job.id, seen_us)

    def _report(self) -> None:
        if self.control is None or self.is_silent:
            return
        self.engine.bring_up(self.now_ms)
        report = self._report_of(self)
        if report is not None:
            self.control.heard(
                report,
                in_flight=self.in_flight,
                is_awaited=self._is_awaited(),
                now_us=self._now_us(),
            )
            self._start_all()

    def _look(self) -> None:
        if self.control is None:
            return
        self._tell_first_tokens()
        self.control.look(
            in_flight=self.in_flight, is_awaited=self._is_awaited(), now_us=self._now_us()
        )
        self._start_all()

    def _is_awaited(self) -> bool:
        return self._demand(self.now_ms) > self.in_flight

    def _sample(self) -> None:
        engine = self.engine
        engine.bring_up(self.now_ms)
        running = engine.running()
        tokens = self._done_tokens + sum(job.produced for job in running)
        window = self._flood if self.control is None else self.control.window
        self.samples.append(Sample(self.now_ms, self.waiting, self.running, window, tokens))

    def _every(self, every_ms: float, action: Callable[[], None]) -> None:
        def again() -> None:
            action()
            self.at(self.now_ms + every_ms, again)

        self.at(self.now_ms + every_ms, again)

    def _now_us(self) -> int:
        return int(self.now_ms * 1000)
