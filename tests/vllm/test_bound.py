"""The bound of VTC on vLLM's own scheduler, and that the stock one keeps none."""

import dataclasses
from pathlib import Path

import pytest
from vllm.v1.core.sched.async_scheduler import AsyncScheduler

from evenhand.inengine.vllm import FairScheduler
from evenhand.scheduling import PRESETS
from support.vllm_bare import Shape
from support.vllm_runs import HEARS_HINTS, ROOMY, TIGHT, Run
from support.vllm_traffic import Crowd, Traffic

STEPS = 5_000
CALM = Crowd(is_calm=True, waiting={"flood": 24, "b": 3, "c": 3}, now_and_then=("rare",))


def lag_max(run: Run, traffic: Traffic) -> int:
    """By how much two backlogged tenants' service may differ in any interval: order/vtc.md. In flight
    is whoever was started and has not ended, also while it waits again."""
    bound = PRESETS["vtc"].lag_bound(
        window=traffic.engine.unsettled_peak,
        request_units_max=run.request_units_max,
        weight_min=1,
    )
    assert bound is not None
    return bound


@pytest.mark.parametrize("crowd", [CALM, dataclasses.replace(CALM, is_calm=False)])
@pytest.mark.parametrize("shape", [ROOMY, TIGHT])
def test_backlogged_tenants_are_served_alike(tiny: Path, shape: Shape, crowd: Crowd) -> None:
    run = Run(scheduler=FairScheduler, model=tiny, shape=shape, crowd=crowd, settings=HEARS_HINTS)
    traffic = run(seed=7, steps=STEPS)
    backlogs, bound = traffic.backlogs, lag_max(run, traffic)
    assert backlogs.charged is not None
    assert backlogs.charged.widest <= bound
    in_flight_units = traffic.engine.unsettled_peak * run.request_units_max
    assert backlogs.done.widest <= bound + in_flight_units, "charged before it is computed"
    assert backlogs.starved_units <= bound + in_flight_units
    assert backlogs.together > STEPS // 2
    served = traffic.engine.served
    assert min(served[tenant] for tenant in ("flood", "b", "c")) > 4 * bound, "it binds"


def test_control_the_stock_scheduler_serves_whoever_sends_most(tiny: Path) -> None:
    run = Run(scheduler=AsyncScheduler, model=tiny, shape=ROOMY, crowd=CALM)
    traffic = run(seed=7, steps=STEPS)
    assert traffic.backlogs.done.widest > 5 * lag_max(run, traffic)


def test_control_the_stock_scheduler_starves_by_priority(tiny: Path) -> None:
    shape = dataclasses.replace(ROOMY, policy="priority")
    run = Run(scheduler=AsyncScheduler, model=tiny, shape=shape, crowd=CALM)
    traffic = run(seed=7, steps=STEPS)
    assert traffic.backlogs.starved_units > 2 * lag_max(run, traffic)
