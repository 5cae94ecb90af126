"""The core in a gateway: a request is bound to an engine when that has a slot.

Late binding: an engine's window is open up to its configured size until a step's worth of prompts waits
in its own queue, and then closed until that queue is empty at a boundary. So a request that the policy
puts first never queues behind more than that.
"""

from collections import deque
from collections.abc import Collection, Mapping

from evenhand.model import EngineName, Outcome, RequestId, TrustDomain, Usage
from evenhand.scheduling import Refusal, Scheduler
from evenhand.sim.engine.protocol import IDLE, Engine
from evenhand.sim.host.protocol import Ended, Host
from evenhand.sim.job import Job
from evenhand.sim.requests import MODEL, RequestOf, prefix_bytes
from evenhand.sim.run_record import Fate
from evenhand.workloads.ask import Segment

_FATES = {Outcome.RATE_LIMITED: Fate.THROTTLED, Outcome.THROTTLED: Fate.THROTTLED}


class EngineQueue:
    """What an engine was given and has not admitted: first in, first out. Bounded by its window."""

    head_may_change = False

    def __init__(self) -> None:
        self.jobs: deque[Job] = deque()  # bounded by the engine's window

    def tokens(self) -> int:
        """Of all prompts in it."""
        return sum(job.ask.input_tokens for job in self.jobs)

    def head(self, now_ms: float) -> Job | None:
        del now_ms
        return self.jobs[0] if self.jobs else None

    def take(self, now_ms: float) -> Job:
        del now_ms
        return self.jobs.popleft()


class AtGateway:
    """One gateway before all engines; of several, that of this `number`. `charge_every_ms`: tokens are
    charged as of the last multiple of it, as they come in chunks; 0: each at once, which costs O(in
    flight) a decision. An engine's own queue is filled until it holds `queue_tokens` of prompts, which
    is what a step can compute."""

    def __init__(
        self,
        scheduler: Scheduler,
        engines: Mapping[EngineName, tuple[Engine, EngineQueue]],
        *,
        window: int,
        request_of: RequestOf,
        ended: Ended,
        charge_every_ms: float = 500.0,
        queue_tokens: int = 2048,
        number: int = 0,
    ) -> None:
        self._queue_tokens = queue_tokens
        self._scheduler = scheduler
        self._engines = engines
        self._window = window
        self._request_of = request_of
        self._ended = ended
        self._charge_every_ms = charge_every_ms
        self._charged_ms = 0.0
        self._number = number
        self._jobs: dict[RequestId, Job] = {}
        self._full: set[EngineName] = set()
        self._touched: list[Engine] = []
        self._has_news = False
        for name in engines:
            scheduler.engine_changed(name, window=window, models=(MODEL,))

    def before(self, now_ms: float) -> None:
        # What was produced until now, or until the last tick. Engines have not gone past that yet.
        every = self._charge_every_ms
        until_ms = now_ms if not every else now_ms // every * every
        if until_ms <= self._charged_ms:
            return
        self._charged_ms = until_ms
        tell, number, tick_ms = self._scheduler.produced, self._number, int(until_ms)
        for engine, _ in self._engines.values():
            if engine.boundary_ms == IDLE or not (jobs := engine.running()):
                continue
            engine.bring_up(until_ms)
            for job in jobs:
                produced = job.produced
                # Free while it was predicted, so not told.
                if produced <= job.paid or produced == job.told or job.gateway != number:
                    continue
                tell(job.id, produced - job.told, tick_ms)
                job.told = produced

    def arrived(self, job: Job, now_ms: float) -> None:
        scheduler, request = self._scheduler, self._request_of(job)
        self._jobs[job.id] = job
        engine = scheduler.start_at_once(request, int(now_ms))
        if engine is not None:
            self._start(job, engine, now_ms)
            return
        submission = scheduler.submit(request, int(now_ms))
        if submission.refused is not None:
            self._refuse(submission.refused, now_ms)
        for refusal in submission.shed:
            self._refuse(refusal, now_ms)
        self._has_news = True

    def evicted(self, name: EngineName, prompt: tuple[Segment, ...], tokens: int) -> None:
        """An engine's cache has not so many tokens of this prompt any more."""
        gone = prefix_bytes(prompt)[:tokens]
        self._scheduler.evicted(name, gone, TrustDomain(""))

    def left(self, job: Job, now_ms: float) -> None:
        if job.engine is None:
            self._scheduler.cancel(job.id, int(now_ms))
        else:
            engine, queue = self._engines[job.engine]
            if job in queue.jobs:
                queue.jobs.remove(job)
                engine.wake(now_ms)  # another may be its head
            else:
                engine.bring_up(now_ms)
                engine.drop(job, now_ms)
            self._touched.append(engine)
            self._settle(job, Outcome.CANCELLED_RUNNING, now_ms)
        self._end(job, Fate.LEFT, now_ms)

    def advanced(self, engine: Engine, ended: list[Job], now_ms: float) -> None:
        for job in ended:
            self._settle(job, Outcome.COMPLETED, now_ms)
        is_full = bool(self._engines[engine.name][1].jobs)
        # Closed ones close further behind each request that ends, before another can take its place.
        if is_full != (engine.name in self._full) or (is_full and ended):
            self._fit_window(engine.name, is_full=is_full)
        for job in ended:
            self._end(job, Fate.COMPLETED, now_ms)

    def failed(self, engine: Engine, jobs: list[Job], now_ms: float) -> None:
        queue, name = self._engines[engine.name][1].jobs, engine.name
        self._touched.append(engine)
        self._full.discard(name)
        self._scheduler.engine_changed(name, window=0, models=(MODEL,))
        for job in [*jobs, *queue]:
            if job.produced == 0 and self._scheduler.try_again_elsewhere(job.id, int(now_ms)):
                job.engine, job.told = None, 0
                continue
            self._settle(job, Outcome.ENGINE_FAILED, now_ms)
            self._end(job, Fate.FAILED, now_ms)
        queue.clear()
        self._has_news = True

    def returned(self, engine: Engine, now_ms: float) -> None:
        del now_ms
        self._scheduler.restarted(engine.name)
        self._scheduler.engine_changed(engine.name, window=self._window, models=(MODEL,))
        self._has_news = True

    def change_window(self, window: int) -> None:
        """So many requests at each engine from now on; those in flight go on."""
        if window == self._window:
            return
        self._window = window
        for name, state in list(self._scheduler.capacity.engines.items()):
            fitting = min(state.window, window) if name in self._full else window
            if state.window:  # else it is down
                self._scheduler.engine_changed(name, window=fitting, models=(MODEL,))
        self._has_news = True

    def expire(self, now_ms: float) -> None:
        for refusal in self._scheduler.expire(int(now_ms)):
            self._refuse(refusal, now_ms)

    def give_up(self, now_ms: float) -> None:
        for job in list(self._jobs.values()):
            self._scheduler.cancel(job.id, int(now_ms))
            self._end(job, Fate.FAILED, now_ms)

    def look_around(self, now_ms: float) -> Collection[Engine]:
        if self._has_news:
            self._has_news = False
            self._start_all(now_ms)
        touched, self._touched = self._touched, []
        return touched

    def waiting(self) -> int:
        return self._scheduler.backlog.requests + sum(
            len(q.jobs) for _, q in self._engines.values()
        )

    # Inside.

    def _start_all(self, now_ms: float) -> None:
        scheduler = self._scheduler
        if not scheduler.backlog.requests:
            return
        self.expire(now_ms)
        while (start := scheduler.next(int(now_ms))) is not None:
            self._start(self._jobs[start.request.id], start.engine, now_ms)

    def _start(self, job: Job, name: EngineName, now_ms: float) -> None:
        job.engine, job.started_ms = name, now_ms
        job.paid = self._scheduler.expected_usage(job.id).output_tokens
        engine, queue = self._engines[name]
        queue.jobs.append(job)
        if queue.tokens() >= self._queue_tokens:
            self._fit_window(name, is_full=True)
        engine.wake(now_ms)
        self._touched.append(engine)

    def _fit_window(self, name: EngineName, *, is_full: bool) -> None:
        """Close it where its own queue is full, or open it."""
        (self._full.add if is_full else self._full.discard)(name)
        in_flight = self._scheduler.capacity.engines[name].in_flight
        window = max(1, min(in_flight, self._window)) if is_full else self._window
        self._scheduler.engine_changed(name, window=window, models=(MODEL,))
        self._has_news = True

    def _settle(self, job: Job, outcome: Outcome, now_ms: float) -> None:
        usage = Usage(job.ask.input_tokens, job.produced, job.cached_tokens)
        self._scheduler.settle(job.id, usage, outcome, int(now_ms))
        self._has_news = True

    def _refuse(self, refusal: Refusal, now_ms: float) -> None:
        job = self._jobs[refusal.request.id]
        self._end(job, _FATES.get(refusal.outcome, Fate.REFUSED), now_ms)

    def _end(self, job: Job, fate: Fate, now_ms: float) -> None:
        del self._jobs[job.id]
        job.ended_ms = now_ms
        self._ended(job, fate)


_: type[Host] = AtGateway
