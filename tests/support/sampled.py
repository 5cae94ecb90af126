"""A sampler over a real scheduler, without a gateway around it: the test moves requests and time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evenhand.gateway.admin import EngineStatus
from evenhand.model import Outcome, Request, RequestId, TenantPath, Usage
from evenhand.scheduling import LaneStanding, Scheduler, TenantShare
from evenhand.telemetry import Metrics
from evenhand.telemetry.samples import Sample, Sampler, TenantSample
from support.ended_request import ended_request
from support.served_tenants import ENGINE, MODEL, scheduler_of, submit


@dataclass
class SampledScheduler:
    """What a sampler asks, and handles to make things happen."""

    tenants: Sequence[TenantShare]
    window: int = 4
    tenants_max: int = 100
    engines_shown: Sequence[EngineStatus] = (EngineStatus(ENGINE, is_up=True, reason="answers"),)
    at_ms: int = 0
    scheduler: Scheduler = field(init=False)
    metrics: Metrics = field(init=False)
    sampler: Sampler = field(init=False)

    def __post_init__(self) -> None:
        self.scheduler = scheduler_of(self.tenants, window=self.window)
        self.metrics = Metrics(models=[MODEL], version="1", tenants_max=self.tenants_max)
        self._open: dict[RequestId, Request] = {}
        self._running: set[RequestId] = set()
        self.sampler = Sampler(self, tenants_max=self.tenants_max, wall_ms=lambda: self.at_ms)

    # What the sampler asks.

    def now_ms(self) -> int:
        return self.at_ms

    def open_tenants(self) -> set[TenantPath]:
        return {request.tenant for request in self._open.values()}

    def tokens_in_flight(self) -> Mapping[TenantPath, int]:
        tokens: Counter[TenantPath] = Counter()
        for request_id in self._running:
            usage = self.scheduler.expected_usage(request_id)
            tokens[self._open[request_id].tenant] += usage.input_tokens + usage.output_tokens
        return tokens

    def lanes(self) -> Sequence[LaneStanding]:
        return self.scheduler.lane_standings(self.at_ms)

    def engines(self) -> Sequence[EngineStatus]:
        return self.engines_shown

    # What the test does.

    def ask(self, tenant: TenantPath, times: int = 1) -> None:
        for _ in range(times):
            request = submit(self.scheduler, tenant)
            self._open[request.id] = request

    def start(self) -> list[Request]:
        """Start whatever can start."""
        started = []
        while (start := self.scheduler.next(self.at_ms)) is not None:
            self._running.add(start.request.id)
            started.append(start.request)
        return started

    def end_all(self, output_tokens: int = 100) -> None:
        """End whatever runs."""
        for request_id in sorted(self._running):
            usage = Usage(0, output_tokens)
            self.scheduler.settle(request_id, usage, Outcome.COMPLETED, self.at_ms)
            tenant = self._open.pop(request_id).tenant
            times = {"ttft_ms": None, "queue_wait_ms": None}
            self.metrics.record(ended_request(tenant=tenant, model=MODEL, **times))
        self._running.clear()

    def second(self) -> Sample:
        """A second passes."""
        self.at_ms += 1000
        return self.sampler.tick()


def row(sample: Sample, *path: str) -> TenantSample:
    """Of that tenant."""
    (found,) = (row for row in sample.tenants if row.path == path)
    return found
