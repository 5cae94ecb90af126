"""One decision of the scheduling core with eight token charges, and the same of a bare lazy heap.

Only `decide` is timed. `prepare` comes before each one and keeps all stationary: what was picked is
waited for again, one that runs has ended, and eight tokens are to come of those that run on.
"""

from heapq import heapreplace
from itertools import count
from random import Random
from typing import Protocol

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, TenantPath
from evenhand.scheduling import (
    PRESETS,
    QueueLimits,
    Scheduler,
    SchedulerSettings,
    Start,
    TenantShare,
    compose,
    tenant_paths,
)

TOKENS = 8
_ENGINES = 8
_MODEL = ModelName("bench")
_REQUEST_UNITS = 1000
_TOKEN_UNITS = 20
_UNLIMITED = QueueLimits(
    requests_max=10**9, bytes_max=10**12, tenant_requests_max=10**9, tenant_bytes_max=10**12
)
_PROMPT_BYTES = 2000
_SHARED_PREFIXES = 50
"""Prompts of one tenant begin with one of so many texts."""


class StalledError(Exception):
    """The policy starts nothing although requests wait and an engine has a slot."""


class Decider(Protocol):
    def prepare(self) -> None: ...

    def decide(self) -> None: ...


class BareHeap:
    """The least that a decision can be: the smallest of so many counters, stale tops pushed down."""

    def __init__(self, tenants: int, *, in_flight: int) -> None:
        self._random = Random(1)  # noqa: S311 - a benchmark
        self._counters = [0] * tenants
        self._heap = [(0, tenant) for tenant in range(tenants)]
        self._charged: list[int] = []
        self._running: list[int] = []
        for _ in range(in_flight):
            self.decide()
            self._running.append(self._picked)
        self.decide()

    def prepare(self) -> None:
        running = self._running
        running[self._random.randrange(len(running))] = self._picked
        self._charged = self._random.choices(running, k=TOKENS)

    def decide(self) -> None:
        counters, heap = self._counters, self._heap
        for tenant in self._charged:
            counters[tenant] += _TOKEN_UNITS
        while True:
            key, tenant = heap[0]
            present = counters[tenant]
            if present == key:
                break
            heapreplace(heap, (present, tenant))
        counters[tenant] = present + _REQUEST_UNITS
        self._picked = tenant


def scheduler(preset: str, tenants: tuple[TenantShare, ...], *, in_flight: int) -> Scheduler:
    """A core as the gateway makes one, with engines that take so many requests together. What limits
    a tenant's requests is opened as far as it goes: who is refused takes no decision."""
    opened = {dial.name: dial.maximum for dial in PRESETS[preset].admission.parameters}
    policy = compose(preset, settings=opened)
    made = Scheduler(SchedulerSettings(tenants=tenants, policy=policy, limits=_UNLIMITED))
    for number in range(_ENGINES):
        window = max(1, in_flight // _ENGINES)
        made.engine_changed(EngineName(f"engine-{number}"), window=window, models=(_MODEL,))
    return made


def request(number: int, tenant: TenantPath, *, tells_prefix: bool = False) -> Request:
    """Predicted to be answered by one token, so that all but that one are charged as they come."""
    prefix = b""
    if tells_prefix:
        shared = f"{'/'.join(tenant)} {number % _SHARED_PREFIXES} ".encode()
        prefix = shared * (_PROMPT_BYTES // len(shared)) + b"%d" % number
    return Request(
        id=RequestId(f"request-{number}"),
        tenant=tenant,
        model=_MODEL,
        body_bytes=_PROMPT_BYTES + 500,
        prompt_bytes=_PROMPT_BYTES,
        output_tokens_max=1,
        queue_wait_ms_max=10**9,
        prefix=prefix,
    )


class Core:
    """The scheduler under a load that never ends: all tenants wait, all engines are full but for the
    one slot that the next decision fills."""

    def __init__(
        self,
        preset: str,
        tenants: tuple[TenantShare, ...],
        *,
        waiting: int,
        in_flight: int,
        tells_prefixes: bool = False,
    ) -> None:
        self._tells_prefixes = tells_prefixes
        self._random = Random(1)  # noqa: S311 - a benchmark
        self._scheduler = scheduler(preset, tenants, in_flight=in_flight)
        self._numbers = count()
        self._now_ms = 0
        self._ending = RequestId("")
        self._charged: list[RequestId] = []
        self._running: list[Request] = []
        paths = [TenantPath(path) for path in tenant_paths(tenants)]
        for number in range(waiting):
            self._submit(paths[number % len(paths)])
        while (start := self._scheduler.next(0)) is not None:
            self._run(start)
        if not self._running:
            raise StalledError(f"{preset} starts nothing")
        self._start: Start | None = None

    def prepare(self) -> None:
        self.choose()
        self.replace()

    def decide(self) -> None:
        produced, now_ms = self._scheduler.produced, self._now_ms
        for request_id in self._charged:
            produced(request_id, 1, now_ms)
        self._start = self._scheduler.next(now_ms)

    def choose(self) -> None:
        """Who ends, and who of the others is given tokens."""
        running = self._running
        number = self._random.randrange(len(running))
        running[number], running[-1] = running[-1], running[number]
        self._ending = running.pop().id
        self._charged = [one.id for one in self._random.choices(running, k=TOKENS)]

    def replace(self) -> None:
        """What has started runs, its tenant waits with another, and one that ran ends."""
        core, ending = self._scheduler, self._ending
        if self._start is not None:
            self._run(self._start)
        elif self._now_ms:
            raise StalledError("nothing starts although requests wait and an engine has a slot")
        self._now_ms += 1
        core.settle(ending, core.expected_usage(ending), Outcome.COMPLETED, self._now_ms)

    def _run(self, start: Start) -> None:
        self._running.append(start.request)
        self._scheduler.produced(start.request.id, 1, self._now_ms)
        self._submit(start.request.tenant)

    def _submit(self, tenant: TenantPath) -> None:
        asked = request(next(self._numbers), tenant, tells_prefix=self._tells_prefixes)
        submission = self._scheduler.submit(asked, self._now_ms)
        if submission.refused is not None:
            raise StalledError(f"a request is refused: {submission.refused.message}")


class WholeRequest:
    """All calls that the core gets for a request: submit, next, eight tokens, settle."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def prepare(self) -> None:
        self._core.choose()

    def decide(self) -> None:
        self._core.replace()
        self._core.decide()
