"""D2LPM over several engines: the bound of the order holds whatever the placement does."""

import random
from fractions import Fraction

import pytest

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, TrustDomain, Usage
from evenhand.scheduling import (
    VIRTUAL_PER_UNIT,
    Policy,
    Scheduler,
    SchedulerSettings,
    TenantShare,
    TokenWeights,
    compose,
)

MODEL = ModelName("m")
ENGINES = [EngineName(name) for name in "abc"]
WINDOW = 2
COST = TokenWeights(input=10, cached_input=1, output=20)
INPUT_MAX = OUTPUT_MAX = 100
REQUEST_UNITS_MAX = INPUT_MAX * COST.input + OUTPUT_MAX * COST.output
WEIGHTS = {"heavy": 1, "light": 3, "mixed": 2}
QUANTUM_TOKENS = 400
BLOCK = 64


def largest_gap(policy: Policy, *, seed: int, steps: int) -> Fraction:
    """Greatest distance of two waiting tenants' counters, as a part of the bound of `d2lpm`."""
    dice = random.Random(seed)
    tenants = tuple(TenantShare(name=name, weight=weight) for name, weight in WEIGHTS.items())
    core = Scheduler(SchedulerSettings(tenants=tenants, policy=policy, cost=COST))
    for engine in ENGINES:
        core.engine_changed(engine, window=WINDOW, models=[MODEL])
    bound = d2lpm(1).counter_gap_max(
        window=WINDOW * len(ENGINES),
        request_units_max=REQUEST_UNITS_MAX,
        weight_min=min(WEIGHTS.values()),
        input_units=COST.input,
    )
    assert bound is not None
    running: list[Request] = []
    largest = Fraction(0)
    nodes = core.tree.root.children.values()
    for step in range(steps):
        for name in WEIGHTS:
            for copy in range(8 - core.tree.leaf((name,)).queued_requests):
                core.submit(arrival(name, f"{name} {step} {copy}", dice), step)
        while (started := core.next(step)) is not None:
            running.append(started.request)
        assert all(node.queued_requests for node in nodes), "all are backlogged throughout"
        request = running.pop(dice.randrange(len(running)))
        output = dice.choice([0, OUTPUT_MAX])
        core.produced(request.id, output, step)
        assert request.prompt_tokens is not None
        usage = Usage(request.prompt_tokens, output, dice.choice([0, request.prompt_tokens]))
        core.settle(request.id, usage, Outcome.COMPLETED, step)
        if dice.random() < 0.1:
            core.evicted(dice.choice(ENGINES), request.prefix[:BLOCK], TrustDomain(""))
        counters = [node.counter(core.capacity.pool(MODEL)) for node in nodes]
        gap = Fraction(max(counters) - min(counters), VIRTUAL_PER_UNIT)
        largest = max(largest, gap / bound)
    return largest


def arrival(name: str, request_id: str, dice: random.Random) -> Request:
    """The heavy one's prompts are long and all alike: what locality alone would serve for ever."""
    letters = "hhhhhh" if name == "heavy" else name[0] + dice.choice("pqrs")
    return Request(
        id=RequestId(request_id),
        tenant=(name,),
        model=MODEL,
        body_bytes=10,
        prompt_tokens={"heavy": INPUT_MAX, "light": 1, "mixed": dice.choice([1, INPUT_MAX])}[name],
        output_tokens_max=OUTPUT_MAX,
        queue_wait_ms_max=10**9,
        prefix=b"".join(letter.encode() * BLOCK for letter in letters),
    )


def d2lpm(engine_quantum_tokens: int) -> Policy:
    settings = {"engine_quantum_tokens": engine_quantum_tokens, "quantum_tokens": QUANTUM_TOKENS}
    return compose("d2lpm", settings=settings)


@pytest.mark.parametrize("engine_quantum_tokens", [1, 500, 1 << 40])
def test_the_bound_holds_whatever_the_quantum_of_placement(engine_quantum_tokens: int) -> None:
    gap = largest_gap(d2lpm(engine_quantum_tokens), seed=7, steps=4_000)
    assert Fraction(1, 5) <= gap <= 1


def test_pure_locality_breaks_it() -> None:
    endless = {"engine_quantum_tokens": 1 << 40}
    policy = compose("lpm", placement="d2lpm", settings=endless)
    assert largest_gap(policy, seed=7, steps=2_000) > 1
