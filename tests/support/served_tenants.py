"""A real scheduler whose tenants have received, wait for and receive service."""

from collections.abc import Sequence
from itertools import count

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, TenantPath, Usage
from evenhand.scheduling import QueueLimits, Scheduler, SchedulerSettings, TenantShare

ENGINE = EngineName("engine-1")
MODEL = ModelName("m")
UNITS_PER_OUTPUT_TOKEN = 20

_ids = count()


def scheduler_of(tenants: Sequence[TenantShare], *, window: int = 4) -> Scheduler:
    """With one engine that is up, and room for many waiting requests."""
    limits = QueueLimits(requests_max=1_000_000, bytes_max=1 << 40)
    scheduler = Scheduler(SchedulerSettings(tenants=tuple(tenants), limits=limits))
    scheduler.engine_changed(ENGINE, window=window, models=[MODEL])
    return scheduler


def submit(scheduler: Scheduler, tenant: TenantPath) -> Request:
    """Let a request of that tenant wait."""
    request = Request(
        id=RequestId(f"r{next(_ids)}"),
        tenant=tenant,
        model=MODEL,
        body_bytes=100,
        prompt_tokens=0,
        queue_wait_ms_max=60_000,
    )
    assert scheduler.submit(request, 0).refused is None
    return request


def serve(scheduler: Scheduler, tenant: TenantPath, output_tokens: int) -> None:
    """Serve one request of that tenant from beginning to end."""
    request = submit(scheduler, tenant)
    started = scheduler.next(0)
    assert started is not None
    assert started.request is request, "serve before anything waits"
    scheduler.settle(request.id, Usage(0, output_tokens), Outcome.COMPLETED, 0)
