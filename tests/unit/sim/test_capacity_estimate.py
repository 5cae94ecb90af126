"""What an engine is estimated to answer is what the simulated engine answers when it has too much."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from evenhand.model import EngineName
from evenhand.sim.capacity_estimate import fleet_requests_per_s, mean_work, requests_per_s
from evenhand.sim.engine.vllm.loop import VllmLoop
from evenhand.sim.host.direct import Direct, OwnQueue
from evenhand.sim.profile import EngineProfile, load_profile
from evenhand.sim.simulation import Simulation
from evenhand.workloads.ask import Ask, Segment
from evenhand.workloads.catalog import recipe_named


def lognormal(count: int, inputs: int, outputs: int, sigma: float) -> list[Ask]:
    rng = np.random.default_rng(1)
    spread = np.exp(sigma * rng.standard_normal((count, 2)))
    return [
        Ask(
            id=n,
            at_ms=0.0,
            tenant=("a",),
            input_tokens=min(max(1, int(inputs * given)), 16_000),
            output_tokens=max(1, int(outputs * produced)),
        )
        for n, (given, produced) in enumerate(spread.tolist())
    ]


def simulated(profile: EngineProfile, asks: Sequence[Ask]) -> float:
    """Requests in a second between the first and the last fifth, all having been sent at once."""
    queue = OwnQueue()
    engine = VllmLoop(EngineName("engine"), profile, queue)
    simulation = Simulation(iter(asks), [engine])
    ended = np.sort(simulation.run(Direct(engine, queue, simulation.ended)).ended_ms)
    low, high = len(ended) // 5, len(ended) * 4 // 5
    return float(1000 * (high - low) / (ended[high] - ended[low]))


@pytest.mark.parametrize("profile", ["h100-llama-3.1-8b", "a10g-llama-3.1-8b", "l40s-llama-3.1-8b"])
@pytest.mark.parametrize(
    ("inputs", "outputs", "count"), [(1000, 200, 3000), (4000, 100, 2000), (100, 500, 3000)]
)
def test_one_kind_of_request(profile: str, inputs: int, outputs: int, count: int) -> None:
    engine, asks = load_profile(profile), lognormal(count, inputs, outputs, 0.6)
    estimated = requests_per_s(engine, mean_work(asks))
    assert estimated == pytest.approx(simulated(engine, asks), rel=0.1)


def test_the_mix() -> None:
    """Its agents find their prompts again; sent all at once, they come in the order of the mix."""
    engine = load_profile("h100-llama-3.1-8b")
    asks = [
        replace(ask, at_ms=0.0, after=(), think_ms=0.0, is_awaited=False)
        for ask in recipe_named("mix").make(3, {"requests": 6000}).asks
    ]
    estimated = requests_per_s(engine, mean_work(asks))
    assert estimated == pytest.approx(simulated(engine, asks), rel=0.15)


def test_prompts_seen_before_cost_nothing() -> None:
    prompt = (Segment(1, 900), Segment(2, 100))
    ask = Ask(id=0, at_ms=0, tenant=("a",), input_tokens=1000, output_tokens=10, prompt=prompt)
    other = replace(ask, prompt=(Segment(1, 900), Segment(3, 100)))
    assert mean_work([ask, other], warm_up=1).computed_tokens == 100
    assert mean_work([ask, ask], warm_up=1).computed_tokens == 1  # the last is always computed
    assert mean_work([ask, other], warm_up=1, prefix_cache=False).computed_tokens == 1000


def test_engines_add_up() -> None:
    engine, asks = load_profile("h100-llama-3.1-8b"), lognormal(1000, 1000, 200, 0.5)
    one = fleet_requests_per_s(engine, 1, asks)
    assert fleet_requests_per_s(engine, 4, asks) == pytest.approx(4 * one)


def test_an_engine_that_prefills_apart() -> None:
    """The VTC artifact's overload: 256 tokens each way; measured: 1.73 requests in a second."""
    asks = lognormal(10, 256, 256, 0.0)
    estimated = requests_per_s(load_profile("a10g-llama-2-7b"), mean_work(asks))
    assert estimated == pytest.approx(1.73, rel=0.2)
