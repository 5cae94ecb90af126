"""What predictions are worth: a gap of (C + W e) / w, where e is how far a request's charge moves."""

import random
from fractions import Fraction

import pytest

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, Usage
from evenhand.scheduling import (
    VIRTUAL_PER_UNIT,
    Scheduler,
    SchedulerSettings,
    TenantShare,
    TokenWeights,
    compose,
)

MODEL = ModelName("m")
WEIGHTS = {"a": 1, "b": 3, "c": 2}
LENGTH_MAX = 100
WINDOW = 8
COST = TokenWeights()
LARGEST_UNITS = COST.of_tokens(LENGTH_MAX, LENGTH_MAX)


def largest_gap(prediction: str) -> Fraction:
    """Of three tenants that always wait, in units per weight; every usage is what was announced."""
    dice = random.Random(4)
    tenants = tuple(TenantShare(name=name, weight=weight) for name, weight in WEIGHTS.items())
    scheduler = Scheduler(
        SchedulerSettings(tenants=tenants, policy=compose(prediction=prediction), cost=COST)
    )
    scheduler.engine_changed(EngineName("e"), window=WINDOW, models=[MODEL])
    pool = scheduler.capacity.pool(MODEL)
    running: list[Request] = []
    largest = Fraction(0)
    for step in range(4_000):
        for name in WEIGHTS:
            for copy in range(WINDOW + 1 - scheduler.tree.leaf((name,)).queued_requests):
                request = Request(
                    id=RequestId(f"{name} {step} {copy}"),
                    tenant=(name,),
                    model=MODEL,
                    body_bytes=10,
                    prompt_tokens=dice.choice([1, LENGTH_MAX]),
                    output_tokens_true=dice.choice([1, LENGTH_MAX]),
                    queue_wait_ms_max=10**9,
                )
                scheduler.submit(request, step)
        while (start := scheduler.next(step)) is not None:
            running.append(start.request)
        ended = running.pop(dice.randrange(len(running)))
        assert ended.prompt_tokens is not None
        assert ended.output_tokens_true is not None
        scheduler.produced(ended.id, ended.output_tokens_true, step)
        usage = Usage(ended.prompt_tokens, ended.output_tokens_true)
        scheduler.settle(ended.id, usage, Outcome.COMPLETED, step)
        counters = [node.counter(pool) for node in scheduler.tree.root.children.values()]
        largest = max(largest, Fraction(max(counters) - min(counters), VIRTUAL_PER_UNIT))
    return largest


def test_with_a_perfect_prediction_the_window_is_no_part_of_the_bound() -> None:
    assert LARGEST_UNITS // 2 <= largest_gap("oracle") <= LARGEST_UNITS


@pytest.mark.parametrize("prediction", ["none", "running-mean", "quantile"])
def test_with_errors_it_is(prediction: str) -> None:
    error_max = LENGTH_MAX * COST.output
    if prediction != "none":
        error_max = max(error_max, 256 * COST.output)  # predicted by default, to begin with
    assert LARGEST_UNITS < largest_gap(prediction) <= LARGEST_UNITS + WINDOW * error_max
