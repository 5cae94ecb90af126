"""The bound over long runs: it holds, it is not vacuous, and without fair order it breaks."""

import random
from collections import deque
from dataclasses import replace
from fractions import Fraction
from unittest.mock import patch

import pytest

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, Usage
from evenhand.scheduling import (
    PRESETS,
    VIRTUAL_PER_UNIT,
    Policy,
    Scheduler,
    SchedulerSettings,
    TenantShare,
    TokenWeights,
    compose,
)
from evenhand.scheduling.order.round import Round
from properties.every_preset import FAIR

MODEL = ModelName("m")
WINDOW = 4
COST = TokenWeights(input=10, cached_input=1, output=20)
REQUEST_UNITS_MAX = 100 * COST.input + 100 * COST.output
QUANTA = {"quantum_tokens": 400}
"""Small beside what is in flight."""
WEIGHTS = {"heavy": 1, "light": 3, "mixed": 2}


def largest_gap(
    policy: Policy, *, seed: int, steps: int, promised: Policy = PRESETS["vtc"]
) -> Fraction:
    """Greatest distance of two waiting tenants' counters, as a part of the bound of `promised`, in a run
    where all are backlogged by very different requests and predictions err in both directions."""
    dice = random.Random(seed)
    tenants = tuple(TenantShare(name=name, weight=weight) for name, weight in WEIGHTS.items())
    scheduler = Scheduler(SchedulerSettings(tenants=tenants, policy=policy, cost=COST))
    scheduler.engine_changed(EngineName("e"), window=WINDOW, models=[MODEL])
    running: deque[Request] = deque()
    largest = Fraction(0)
    for step in range(steps):
        for name in WEIGHTS:
            for copy in range(WINDOW + 1 - scheduler.tree.leaf((name,)).queued_requests):
                scheduler.submit(arrival(name, f"{name} {step} {copy}", dice), step)
        while (started := scheduler.next(step)) is not None:
            running.append(started.request)
        waiting = scheduler.tree.root.children.values()
        assert all(node.queued_requests for node in waiting), "all must be backlogged throughout"
        request = running.popleft() if dice.random() < 0.5 else running.pop()
        produced = dice.choice([0, 1, 100])
        scheduler.produced(request.id, produced, step)
        assert request.prompt_tokens is not None
        usage = Usage(request.prompt_tokens, produced, dice.choice([0, request.prompt_tokens]))
        scheduler.settle(request.id, usage, Outcome.COMPLETED, step)
        counters = [node.counter(scheduler.capacity.pool(MODEL)) for node in waiting]
        gap = Fraction(max(counters) - min(counters), VIRTUAL_PER_UNIT)
        largest = max(largest, gap)
    dearest = scheduler.request_units_peak
    if policy.cost.name == "weighted-tokens":
        assert dearest <= REQUEST_UNITS_MAX
        dearest = REQUEST_UNITS_MAX
    bound = promised.counter_gap_max(
        window=WINDOW,
        request_units_max=dearest,
        weight_min=min(WEIGHTS.values()),
        input_units=COST.input,
    )
    assert bound is not None
    return largest / bound


def arrival(name: str, request_id: str, dice: random.Random) -> Request:
    tokens = {"heavy": 100, "light": 1, "mixed": dice.choice([1, 100])}[name]
    return Request(
        id=RequestId(request_id),
        tenant=(name,),
        model=MODEL,
        body_bytes=10,
        prompt_tokens=tokens,
        output_tokens_max=100,
        queue_wait_ms_max=10**9,
    )


@pytest.mark.parametrize("prediction", ["none", "running-mean"])
@pytest.mark.parametrize("preset", FAIR)
def test_the_bound_holds_and_is_not_vacuous(preset: str, prediction: str) -> None:
    settings = {name: value for name, value in QUANTA.items() if name in dials(preset)}
    policy = compose(preset, prediction=prediction, settings=settings)
    gap = largest_gap(policy, seed=7, steps=5_000, promised=policy)
    print(f"{preset}, {prediction}: {float(gap):.0%}")
    assert gap <= 1
    assert gap >= Fraction(1, 5)


def dials(preset: str) -> set[str]:
    return {parameter.name for parameter in PRESETS[preset].parameters()}


def test_without_fair_order_the_bound_breaks() -> None:
    assert largest_gap(compose("fcfs"), seed=7, steps=2_000) > 1


@pytest.mark.parametrize("preset", ["drr", "dlpm", "d2lpm"])
def test_quanta_that_are_never_used_up_break_it(preset: str) -> None:
    policy = compose(preset, settings=QUANTA)
    with patch.object(Round, "may_go", lambda self, child: True):
        assert largest_gap(policy, seed=7, steps=2_000, promised=policy) > 1


def test_fcfs_promises_nothing() -> None:
    assert compose("fcfs").lag_bound(window=1, request_units_max=1, weight_min=1) is None


@pytest.mark.parametrize("preset", ["vtc", "drr", "dlpm", "d2lpm"])
def test_what_a_tenant_receives_elsewhere_is_a_debt_here(preset: str) -> None:
    """Why the bound is only for who has used no other engines: the debt may be of any size."""
    other = ModelName("other")
    tenants = (TenantShare(name="light"), TenantShare(name="heavy"))
    core = Scheduler(SchedulerSettings(tenants=tenants, policy=compose(preset)))
    core.engine_changed(EngineName("e"), window=1, models=[MODEL])
    core.engine_changed(EngineName("o"), window=1, models=[other])
    dice = random.Random(0)
    served: list[str] = []

    def submit(name: str, model: ModelName, number: int) -> None:
        request = replace(arrival("heavy", f"{name} {model} {number}", dice), output_tokens_max=0)
        assert core.submit(replace(request, tenant=(name,), model=model), 0).refused is None

    def serve() -> None:
        started = core.next(0)
        assert started is not None
        served.append(started.request.tenant[0])
        core.settle(started.request.id, Usage(100, 0), Outcome.COMPLETED, 0)

    submit("light", MODEL, 0)
    running = core.next(0)  # and lasts
    assert running is not None
    submit("light", MODEL, 1)
    for number in range(100):
        submit("heavy", other, number)
        serve()
    for number in range(2, 150):
        submit("light", MODEL, number)
        submit("heavy", MODEL, number)
    core.settle(running.request.id, Usage(100, 0), Outcome.COMPLETED, 0)
    served.clear()
    for _ in range(200):
        serve()
    debt, quantum = 99, core.settings.policy.values().get("quantum_tokens", 0) // 100
    assert abs(served.count("light") - served.count("heavy") - debt) <= quantum + 1
