"""The lanes' numbers at scrape time."""

from evenhand.model import EngineName, LaneName, ModelName, Request, RequestId
from evenhand.scheduling import Lane, Scheduler, SchedulerSettings, TenantShare
from evenhand.telemetry import LaneCollector, Metrics
from support.samples import by_label, samples_of

LANES = (
    Lane(name=LaneName("chat"), ceiling_percent=50),
    Lane(name=LaneName("batch"), floor_percent=25),
)


def test_lanes_are_read_live() -> None:
    scheduler = Scheduler(SchedulerSettings(tenants=(TenantShare(name="a"),), lanes=LANES))
    scheduler.engine_changed(EngineName("e"), window=4, models=[ModelName("m")])
    for number in range(7):
        request = Request(
            id=RequestId(f"r{number}"),
            tenant=("a",),
            model=ModelName("m"),
            lane=LANES[number % 2].name,
            body_bytes=1,
            queue_wait_ms_max=60_000,
        )
        scheduler.submit(request, 1_000)
    while scheduler.next(1_000) is not None:
        pass
    metrics = Metrics(models=["m"], version="0")
    metrics.registry.register(LaneCollector(scheduler, lambda: 3_500))
    samples = samples_of(metrics.render())
    shown = {
        name: by_label(samples, f"evenhand_lane_{name}", "lane")
        for name in (
            "in_flight",
            "queue_depth",
            "oldest_wait_seconds",
            "floor_slots",
            "ceiling_slots",
        )
    }
    assert shown == {
        "in_flight": {"chat": 2, "batch": 2},
        "queue_depth": {"chat": 2, "batch": 1},
        "oldest_wait_seconds": {"chat": 2.5, "batch": 2.5},
        "floor_slots": {"chat": 0, "batch": 1},
        "ceiling_slots": {"chat": 2, "batch": 4},
    }
