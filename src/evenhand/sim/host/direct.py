"""No gateway: clients send to one engine, which serves first come, first served."""

from collections import deque
from collections.abc import Iterable

from evenhand.sim.engine.protocol import Engine
from evenhand.sim.host.protocol import Ended, Host
from evenhand.sim.job import Job
from evenhand.sim.run_record import Fate


class OwnQueue:
    """What the engine was sent and has not admitted. Bounded by what the clients send."""

    head_may_change = False

    def __init__(self) -> None:
        self.jobs: deque[Job] = deque()  # bounded by what the clients send

    def head(self, now_ms: float) -> Job | None:
        del now_ms
        return self.jobs[0] if self.jobs else None

    def take(self, now_ms: float) -> Job:
        job = self.jobs.popleft()
        job.started_ms = now_ms
        return job


class Direct:
    """Of one engine and its queue."""

    def __init__(self, engine: Engine, queue: OwnQueue, ended: Ended) -> None:
        self._engine = engine
        self._queue = queue
        self._ended = ended
        self._is_down = False

    def before(self, now_ms: float) -> None:
        """Nobody is charged."""

    def arrived(self, job: Job, now_ms: float) -> None:
        if self._is_down:
            self._end(job, Fate.FAILED, now_ms)
            return
        job.engine = self._engine.name
        self._queue.jobs.append(job)
        if len(self._queue.jobs) == 1:
            self._engine.wake(now_ms)

    def left(self, job: Job, now_ms: float) -> None:
        if job in self._queue.jobs:
            self._queue.jobs.remove(job)
            self._engine.wake(now_ms)  # another may be the head
        else:
            self._engine.bring_up(now_ms)
            self._engine.drop(job, now_ms)
        self._end(job, Fate.LEFT, now_ms)

    def advanced(self, engine: Engine, ended: list[Job], now_ms: float) -> None:
        del engine  # there is but one
        for job in ended:
            self._end(job, Fate.COMPLETED, now_ms)

    def failed(self, engine: Engine, jobs: list[Job], now_ms: float) -> None:
        del engine
        for job in [*jobs, *self._queue.jobs]:
            self._end(job, Fate.FAILED, now_ms)
        self._queue.jobs.clear()
        self._is_down = True

    def returned(self, engine: Engine, now_ms: float) -> None:
        del engine, now_ms
        self._is_down = False

    def expire(self, now_ms: float) -> None:
        """Nobody is told to wait no longer."""

    def give_up(self, now_ms: float) -> None:
        """An engine that is there takes whoever waits."""

    def look_around(self, now_ms: float) -> Iterable[Engine]:
        del now_ms
        return (self._engine,)

    def waiting(self) -> int:
        return len(self._queue.jobs)

    def _end(self, job: Job, fate: Fate, now_ms: float) -> None:
        job.ended_ms = now_ms
        self._ended(job, fate)


_: type[Host] = Direct
