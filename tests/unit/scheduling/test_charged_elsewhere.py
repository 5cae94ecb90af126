"""What another gateway has charged counts for whose turn it is, and for nothing else."""

import pytest

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, TenantPath, Usage
from evenhand.scheduling import PRESETS, Scheduler, SchedulerSettings, TenantShare, compose

TENANTS = (
    TenantShare(name="a"),
    TenantShare(name="b"),
    TenantShare(name="c", children=(TenantShare(name="x"), TenantShare(name="y"))),
)
BY_SERVICE = ["vtc", "wsc", "fairserve", "lcf", "las"]


def a_core(preset: str) -> Scheduler:
    core = Scheduler(SchedulerSettings(tenants=TENANTS, policy=compose(preset)))
    core.engine_changed(EngineName("e"), window=1, models=(ModelName("m"),))
    return core


def submit(core: Scheduler, name: str, tenant: TenantPath) -> None:
    request = Request(
        id=RequestId(name),
        tenant=tenant,
        model=ModelName("m"),
        body_bytes=1,
        prompt_tokens=10,
        output_tokens_max=5,
        queue_wait_ms_max=10**9,
    )
    assert core.submit(request, 0).refused is None


def order_of_starts(core: Scheduler) -> list[str]:
    started = []
    while (start := core.next(0)) is not None:
        started.append(str(start.request.id))
        core.settle(start.request.id, Usage(10, 5), Outcome.COMPLETED, 0)
    return started


@pytest.mark.parametrize("preset", BY_SERVICE)
def test_who_was_served_elsewhere_waits_for_the_others(preset: str) -> None:
    core = a_core(preset)
    for number in range(3):
        for tenant in ("a", "b"):
            submit(core, f"{tenant}{number}", (tenant,))
    core.charged_elsewhere(("a",), 10_000, 0)
    assert order_of_starts(core) == ["b0", "b1", "b2", "a0", "a1", "a2"]


@pytest.mark.parametrize("preset", ["dlpm", "drr"])
def test_who_was_served_elsewhere_has_used_up_its_quanta(preset: str) -> None:
    policy = compose(preset, settings={"quantum_tokens": 15})
    core = Scheduler(SchedulerSettings(tenants=TENANTS, policy=policy))
    core.engine_changed(EngineName("e"), window=1, models=(ModelName("m"),))
    for number in range(3):
        for tenant in ("a", "b"):
            submit(core, f"{tenant}{number}", (tenant,))
    core.charged_elsewhere(("a",), 10_000, 0)
    assert order_of_starts(core) == ["b0", "b1", "b2", "a0", "a1", "a2"]


def test_it_counts_against_every_node_above() -> None:
    core = a_core("vtc")
    for number in range(2):
        submit(core, f"a{number}", ("a",))
        submit(core, f"y{number}", ("c", "y"))
    core.charged_elsewhere(("c", "x"), 10_000, 0)
    assert order_of_starts(core) == ["a0", "a1", "y0", "y1"]


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_no_service_of_this_gateway_comes_of_it(preset: str) -> None:
    core = a_core(preset)
    core.charged_elsewhere(("c", "x"), 10_000, 0)
    assert [node.service_units for node in core.tree.nodes()] == [0] * 6
    assert core.retry_after_ms(("c", "x"), 5_000) == a_core(preset).retry_after_ms(
        ("c", "x"), 5_000
    )


def test_nothing_and_refunds_are_not_told() -> None:
    for units in (0, -1):
        with pytest.raises(AssertionError, match="taken off the next charge"):
            a_core("vtc").charged_elsewhere(("a",), units, 0)
