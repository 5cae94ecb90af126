"""The simulator rows: CPU of a simulated request, in one engine alone and in a fleet behind a gateway.

Requests of 1,000 tenants by Zipf's law: log-normal lengths, 1,155 tokens in and 211 out on average, of
which a system prompt of 500 tokens for each tenant. Loads are in parts of what engines can do.
"""

import gc
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from bench.rounds import Rounds
from evenhand.model import EngineName
from evenhand.scheduling import PRESETS, TenantShare
from evenhand.sim.engine.vllm.loop import VllmLoop
from evenhand.sim.fleet import at_gateway
from evenhand.sim.host.at_gateway import EngineQueue
from evenhand.sim.job import Job
from evenhand.sim.profile import load_profile
from evenhand.workloads.ask import Ask, Segment
from evenhand.workloads.workload import Workload

ENGINE, FLEET = "one engine", "simulator"
PROFILE = "h100-llama-3.1-8b"
TENANTS = 1000
ENGINES = 64
_ENGINE_PER_SECOND = 27.0
"""What one engine of that profile answers of this traffic when it is never idle."""
_DAY_S = 86_400
_DAY_REQUESTS = 1_000_000
_SYSTEM_TOKENS = 500
LOADS = {
    "simulated_day_us": _DAY_REQUESTS / _DAY_S / ENGINES / _ENGINE_PER_SECOND,
    "simulated_load_us": 0.8,
    "simulated_overload_us": 1.2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """Of a run; the fleet takes a while to fill."""

    simulated_requests: int = 40_000


QUICK_LENGTH = Length(simulated_requests=300)


def simulator(length: Length, *, rounds: int, tell: Callable[[str], None]) -> Rounds:
    """CPU microseconds of a request, by arm and round."""
    done: Rounds = {ENGINE: [], FLEET: []}
    arms = {ENGINE: _engine_alone, FLEET: _fleet}
    for number in range(rounds):
        tell(f"simulator: round {number + 1} of {rounds}")
        for arm, run in arms.items():
            figures = {}
            for row, load in LOADS.items():
                engines = 1 if arm == ENGINE else ENGINES
                asks = list(_asks(length.simulated_requests, load * engines * _ENGINE_PER_SECOND))
                gc.collect()
                gc.freeze()
                began_s = time.process_time()
                run(asks)
                figures[row] = (time.process_time() - began_s) / len(asks) * 1e6
                gc.unfreeze()
            done[arm].append(figures)
    return done


def _asks(requests: int, per_second: float) -> Iterator[Ask]:
    rng = Random(1)  # noqa: S311 - a benchmark
    weights = [1 / (rank + 1) ** 1.1 for rank in range(TENANTS)]
    at_ms = 0.0
    for number, tenant in enumerate(rng.choices(range(TENANTS), weights, k=requests)):
        at_ms += rng.expovariate(per_second) * 1000
        asked = max(1, int(rng.lognormvariate(math.log(655) - 0.5, 1)))
        yield Ask(
            id=number,
            at_ms=at_ms,
            tenant=(str(tenant),),
            input_tokens=_SYSTEM_TOKENS + asked,
            output_tokens=max(1, int(rng.lognormvariate(math.log(211) - 0.5, 1))),
            prompt=(Segment(tenant, _SYSTEM_TOKENS), Segment(TENANTS + number, asked)),
        )


def _engine_alone(asks: list[Ask]) -> None:
    """First come, first served, no event loop: what the model itself takes."""
    queue = EngineQueue()
    engine = VllmLoop(EngineName("alone"), load_profile(PROFILE), queue)
    answered = 0
    for ask in asks:
        while engine.boundary_ms <= ask.at_ms:
            answered += len(engine.advance())
        queue.jobs.append(Job(ask, ask.at_ms))
        if len(queue.jobs) == 1:
            engine.wake(ask.at_ms)
    while answered < len(asks):
        answered += len(engine.advance())


def _fleet(asks: list[Ask]) -> None:
    tenants = tuple(TenantShare(name=str(tenant)) for tenant in range(TENANTS))
    workload = Workload(name="bench", tenants=tenants, asks=asks, size=len(asks))
    at_gateway(workload, PRESETS["vtc"], load_profile(PROFILE), engines=ENGINES).run()
