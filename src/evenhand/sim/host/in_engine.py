"""The core inside one engine: it is asked when the engine has room, not when a slot is free.

Nothing is ever bound early. Before each decision the core is told of all tokens that have come by then,
so charges are exact; requests that have just ended are settled before the place they leave is filled.
"""

from collections.abc import Collection

from evenhand.model import Outcome, RequestId, Usage
from evenhand.scheduling import Refusal, Scheduler
from evenhand.sim.engine.protocol import Engine
from evenhand.sim.host.protocol import Ended, Host
from evenhand.sim.job import Job
from evenhand.sim.requests import MODEL, RequestOf
from evenhand.sim.run_record import Fate

_FATES = {Outcome.RATE_LIMITED: Fate.THROTTLED, Outcome.THROTTLED: Fate.THROTTLED}
_NO_LENGTH = 1 << 60


class InEngine:
    """Host of one engine and source of its work. It is made first, then the engine, which must know its
    source, then comes `serve`."""

    head_may_change = True  # counters move with every token

    def __init__(self, scheduler: Scheduler, *, request_of: RequestOf) -> None:
        self._scheduler = scheduler
        self._request_of = request_of
        self._engine: Engine | None = None
        self._ended: Ended | None = None
        self._seats = 0
        self._waiting: dict[RequestId, Job] = {}
        self._started: dict[RequestId, Job] = {}
        self._least = (_NO_LENGTH, _NO_LENGTH)
        self._charged_ms = -1.0

    def serve(self, engine: Engine, *, sequences_max: int, ended: Ended) -> None:
        """Work for this engine from now on. Once; `sequences_max` as the engine's."""
        assert self._engine is None
        self._engine, self._ended, self._seats = engine, ended, sequences_max
        self._scheduler.engine_changed(engine.name, window=sequences_max, models=(MODEL,))

    # The engine asks.

    def least(self) -> tuple[int, int]:
        """Lengths of input and output that no waiting request is below."""
        return self._least

    def head(self, now_ms: float) -> Job | None:
        if not self._waiting:
            return None
        self._charge(now_ms)
        request = self._scheduler.ahead(int(now_ms))
        return None if request is None else self._waiting[request.id]

    def take(self, now_ms: float) -> Job:
        start = self._scheduler.next(int(now_ms))
        assert start is not None
        job = self._waiting.pop(start.request.id)
        self._started[job.id] = job
        job.engine, job.started_ms = start.engine, now_ms
        job.paid = self._scheduler.expected_usage(job.id).output_tokens
        if not self._waiting:
            self._least = (_NO_LENGTH, _NO_LENGTH)
        return job

    # The event loop tells.

    def before(self, now_ms: float) -> None:
        """Tokens are told of when something depends on them: no step is lost by then."""

    def arrived(self, job: Job, now_ms: float) -> None:
        self._charge(now_ms)
        self._waiting[job.id] = job
        submission = self._scheduler.submit(self._request_of(job), int(now_ms))
        for refusal in submission.shed:
            self._refuse(refusal, now_ms)
        if submission.refused is not None:
            self._refuse(submission.refused, now_ms)
            return
        ask, (input_tokens, output_tokens) = job.ask, self._least
        self._least = min(ask.input_tokens, input_tokens), min(ask.output_tokens, output_tokens)
        self._serving.wake(now_ms)

    def left(self, job: Job, now_ms: float) -> None:
        self._charge(now_ms)
        if job.id in self._waiting:
            self._scheduler.cancel(job.id, int(now_ms))
            del self._waiting[job.id]
        else:
            self._serving.drop(job, now_ms)
            self._settle(job, Outcome.CANCELLED_RUNNING, now_ms)
        self._end(job, Fate.LEFT, now_ms)

    def advanced(self, engine: Engine, ended: list[Job], now_ms: float) -> None:
        del engine
        if ended:
            self._charge(now_ms)
        for job in ended:
            self._end(job, Fate.COMPLETED, now_ms)

    def failed(self, engine: Engine, jobs: list[Job], now_ms: float) -> None:
        # Until it returns the core refuses who comes, so nobody wakes it.
        self._scheduler.engine_changed(engine.name, window=0, models=(MODEL,))
        for job in jobs:
            self._settle(job, Outcome.ENGINE_FAILED, now_ms)
            self._end(job, Fate.FAILED, now_ms)

    def returned(self, engine: Engine, now_ms: float) -> None:
        self._scheduler.restarted(engine.name)
        self._scheduler.engine_changed(engine.name, window=self._seats, models=(MODEL,))
        engine.wake(now_ms)

    def expire(self, now_ms: float) -> None:
        for refusal in self._scheduler.expire(int(now_ms)):
            self._refuse(refusal, now_ms)

    def give_up(self, now_ms: float) -> None:
        for job in list(self._waiting.values()):
            self._scheduler.cancel(job.id, int(now_ms))
            del self._waiting[job.id]
            self._end(job, Fate.FAILED, now_ms)

    def look_around(self, now_ms: float) -> Collection[Engine]:
        self.expire(now_ms)
        return (self._serving,)

    def waiting(self) -> int:
        return len(self._waiting)

    # Inside.

    @property
    def _serving(self) -> Engine:
        assert self._engine is not None, "no engine was given"
        return self._engine

    def _charge(self, now_ms: float) -> None:
        """Tell the core of all tokens that have come, and of answers that are complete."""
        if now_ms == self._charged_ms:
            return
        self._charged_ms = now_ms
        self._serving.bring_up(now_ms)
        complete = []
        tell, at_ms = self._scheduler.produced, int(now_ms)
        for job in self._started.values():
            produced = job.produced
            if produced == job.ask.output_tokens:
                complete.append(job)
            elif produced > job.told and produced > job.paid:
                # Free while it was predicted, so not told.
                tell(job.id, produced - job.told, at_ms)
                job.told = produced
        for job in complete:
            self._settle(job, Outcome.COMPLETED, now_ms)

    def _settle(self, job: Job, outcome: Outcome, now_ms: float) -> None:
        del self._started[job.id]
        usage = Usage(job.ask.input_tokens, job.produced, job.cached_tokens)
        self._scheduler.settle(job.id, usage, outcome, int(now_ms))

    def _refuse(self, refusal: Refusal, now_ms: float) -> None:
        job = self._waiting.pop(refusal.request.id)
        self._end(job, _FATES.get(refusal.outcome, Fate.REFUSED), now_ms)

    def _end(self, job: Job, fate: Fate, now_ms: float) -> None:
        assert self._ended is not None
        job.ended_ms = now_ms
        self._ended(job, fate)


_: type[Host] = InEngine
