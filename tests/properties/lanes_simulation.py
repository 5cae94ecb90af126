"""A small world for lanes: one engine, jobs that are drawn once, events in order of time."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from evenhand.model import EngineName, LaneName, ModelName, Outcome, Request, RequestId, Usage
from evenhand.scheduling import Lane, Scheduler, SchedulerSettings, TenantShare

MODEL = ModelName("m")


@dataclass(frozen=True)
class Job:
    """A request of the lane's own tenant: when it comes, and how long it occupies a slot."""

    lane: str
    at_ms: int
    service_ms: int


@dataclass
class Life:
    """What became of a job. `releases_waited` counts the slots that came free while it waited, its own
    included."""

    job: Job
    start_ms: int
    releases_waited: int
    waiting_before: int
    running_before: int
    """Both of its lane, when it came."""


@dataclass
class World:
    """`run` plays all jobs to their end."""

    lanes: Sequence[Lane]
    window: int
    lives: list[Life] = field(default_factory=list)
    longest_gap_ms: dict[str, int] = field(default_factory=dict)
    """By lane: the longest time in which somebody waited and nothing started."""
    least_in_flight: dict[str, int] = field(default_factory=dict)
    """By lane: the least it had at the engine while it waited on after it had had its floor."""

    def run(self, jobs: Iterable[Job]) -> "World":
        names = [str(lane.name) for lane in self.lanes]
        core = Scheduler(
            SchedulerSettings(
                tenants=tuple(TenantShare(name=name) for name in names), lanes=tuple(self.lanes)
            )
        )
        core.engine_changed(EngineName("e"), window=self.window, models=[MODEL])
        by_id = {RequestId(f"r{n}"): job for n, job in enumerate(jobs)}
        events = [(job.at_ms, 1, rid) for rid, job in by_id.items()]
        heapify(events)
        releases, came_at = 0, dict[RequestId, tuple[int, int, int]]()
        has_floor: set[str] = set()
        waits_since: dict[str, int] = {}
        while events:
            now_ms, kind, rid = heappop(events)
            job = by_id[rid]
            if kind == 0:
                releases += 1
                core.settle(rid, Usage(1, 1), Outcome.COMPLETED, now_ms)
            else:
                standing = {lane.name: lane for lane in core.lane_standings(now_ms)}
                before = standing[LaneName(job.lane)]
                came_at[rid] = (releases, before.waiting, before.in_flight)
                submission = core.submit(_request(rid, job), now_ms)
                assert submission.refused is None
                waits_since.setdefault(job.lane, now_ms)
            while (start := core.next(now_ms)) is not None:
                started = by_id[start.request.id]
                heappush(events, (now_ms + started.service_ms, 0, start.request.id))
                count, *ahead = came_at[start.request.id]
                self.lives.append(Life(started, now_ms, releases - count, *ahead))
                self._note_gap(started.lane, waits_since.pop(started.lane, now_ms), now_ms)
                waits_since[started.lane] = now_ms
            for standing_now in core.lane_standings(now_ms):
                name = str(standing_now.name)
                if not standing_now.waiting:
                    waits_since.pop(name, None)
                    has_floor.discard(name)
                    continue
                self._note_gap(name, waits_since[name], now_ms)
                held = standing_now.in_flight
                if held >= standing_now.floor_slots:
                    has_floor.add(name)
                if name in has_floor:
                    self.least_in_flight[name] = min(self.least_in_flight.get(name, held), held)
            free = sum(e.window - e.in_flight for e in core.capacity.engines.values())
            assert not (free and core.backlog.requests), "a slot is free and somebody waits"
        assert core.open_requests() == 0
        return self

    def waits_ms(self, lane: str) -> list[int]:
        """In order of length."""
        return sorted(
            life.start_ms - life.job.at_ms for life in self.lives if life.job.lane == lane
        )

    def _note_gap(self, lane: str, since_ms: int, now_ms: int) -> None:
        self.longest_gap_ms[lane] = max(self.longest_gap_ms.get(lane, 0), now_ms - since_ms)


def traffic(
    seed: str, lane: str, *, every_ms: int, service_ms_max: int, until_ms: int
) -> list[Job]:
    """Arrivals at random, one in `every_ms` on the average; the same seed gives the same jobs."""
    dice, jobs, at_ms = random.Random(seed), list[Job](), 0
    while (at_ms := at_ms + 1 + int(dice.expovariate(1 / every_ms))) < until_ms:
        jobs.append(Job(lane, at_ms, dice.randint(service_ms_max // 5, service_ms_max)))
    return jobs


def _request(rid: RequestId, job: Job) -> Request:
    return Request(
        id=rid,
        tenant=(job.lane,),
        lane=LaneName(job.lane),
        model=MODEL,
        body_bytes=10,
        prompt_tokens=1,
        output_tokens_max=1,
        queue_wait_ms_max=10**9,
    )
