"""A scheduler that sheds nobody: a full queue refuses the arrival, as a plain queue does."""

from itertools import count

import pytest

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId
from evenhand.scheduling import QueueLimits, Scheduler, SchedulerSettings, TenantShare, compose

MODEL = ModelName("m")
_ids = count()


def scheduler_of(limits: QueueLimits) -> Scheduler:
    tenants = (TenantShare(name="a"), TenantShare(name="b"))
    settings = SchedulerSettings(
        tenants=tenants, policy=compose("fcfs"), limits=limits, sheds=False
    )
    scheduler = Scheduler(settings)
    scheduler.engine_changed(EngineName("e"), window=1, models=[MODEL])
    return scheduler


def request(tenant: str) -> Request:
    return Request(
        id=RequestId(f"d{next(_ids)}"),
        tenant=(tenant,),
        model=MODEL,
        body_bytes=100,
        prompt_tokens=1,
        queue_wait_ms_max=1_000,
    )


@pytest.mark.parametrize(
    "limits", [QueueLimits(requests_max=3), QueueLimits(bytes_max=399)], ids=["requests", "bytes"]
)
def test_the_arrival_is_refused_though_another_holds_the_whole_queue(limits: QueueLimits) -> None:
    scheduler = scheduler_of(limits)
    flood = [request("a") for _ in range(4)]
    for one in flood:
        submission = scheduler.submit(one, 0)
        assert submission.refused is None
        assert submission.shed == ()
        scheduler.next(0)
    modest = scheduler.submit(request("b"), 0)
    assert modest.refused is not None
    assert modest.refused.outcome is Outcome.QUEUE_FULL
    assert modest.refused.retry_after_ms is not None
    assert modest.shed == ()
    assert scheduler.backlog.requests == 3
    assert scheduler.open_requests() == 4


def test_who_can_start_at_once_needs_no_room() -> None:
    scheduler = scheduler_of(QueueLimits(requests_max=1, bytes_max=50))
    assert scheduler.submit(request("a"), 0).refused is None
    assert scheduler.next(0) is not None
    refused = scheduler.submit(request("b"), 0).refused
    assert refused is not None
    assert refused.outcome is Outcome.QUEUE_FULL
