"""Many small runs on modelled engines, each drawn from its number: tenants that flood and idle, shared
prompts, clients that leave, engines that are lost and slow."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from evenhand.scheduling import Policy, TenantShare
from evenhand.scheduling.recorder import Event, Recorder
from evenhand.sim.engine.protocol import IDLE
from evenhand.sim.engine.step_cost import StepCost
from evenhand.sim.faults import AtEngine, Fault, OfClients
from evenhand.sim.fleet import at_gateway, in_engine
from evenhand.sim.profile import EngineProfile
from evenhand.sim.run_record import RunRecord
from evenhand.sim.settings import SimulationSettings
from evenhand.workloads.ask import Ask, Segment
from evenhand.workloads.workload import Workload

WEIGHTS = {"a": 1, "b": 3, "c": 2, "d": 1, "e": 5}
PROFILE = EngineProfile(
    name="small",
    gpu="none",
    model="none",
    evidence="made up",
    fit_error="none",
    step=StepCost(t_host_ms=1, t_w_ms=5, c_t_ms=0.05, c_kv_ms=0.001, c_r_ms=0.1),
    kv_tokens=4_096,
    sequences_max=8,
    step_tokens_max=300,
)
_ASKS_MAX = 36
_LETTERS = 5


def a_workload(dice: random.Random, *, segment_tokens: int) -> Workload:
    """Up to 36 asks within a second or two, in bursts. Prompts are of up to four segments of that many
    tokens, and two that differ do so in the first byte of one."""
    paths = [(name,) for name in WEIGHTS]
    asks: list[Ask] = []
    at_ms = 0.0
    for number in range(dice.randrange(10, _ASKS_MAX + 1)):
        at_ms += dice.choice([0, 0, 1, 5, 40, 200]) * dice.random()
        letters = [dice.randrange(1, _LETTERS + 1) for _ in range(dice.randrange(1, 5))]
        segments = tuple(Segment(letter << 56, segment_tokens) for letter in letters)
        earlier = dice.choice(asks) if asks and dice.random() < 0.2 else None
        asks.append(
            Ask(
                id=number,
                at_ms=at_ms,
                tenant=dice.choice(paths[number // 12 % 3 :]),
                input_tokens=segment_tokens * len(segments),
                output_tokens=dice.choice([1, 3, 10, 40]),
                after=() if earlier is None else (earlier.id,),
                think_ms=5.0,
                is_awaited=True,
                prompt=segments,
                application=dice.choice(["chat", "chat", "search", "batch"]),
            )
        )
    tenants = tuple(TenantShare(name=name, weight=weight) for name, weight in WEIGHTS.items())
    return Workload(name="small", tenants=tenants, asks=asks, size=len(asks))


def some_faults(dice: random.Random, engines: int) -> tuple[Fault, ...]:
    """In most runs some."""
    faults: list[Fault] = []
    for number in range(engines):
        name = f"engine-{number:03}"
        at_ms, end_ms = 200 * dice.random(), dice.choice([300.0, 600.0])
        if dice.random() < 0.3:
            faults.append(AtEngine(engine=name, at_ms=at_ms, end_ms=end_ms))
        if dice.random() < 0.2:
            faults.append(AtEngine(engine=name, at_ms=at_ms, end_ms=IDLE, factor=4))
    if dice.random() < 0.5:
        faults.append(OfClients(share=0.2, after_ms=100))
    if dice.random() < 0.5:
        faults.append(OfClients(share=0.2, after_ms=50, is_patient_once_served=True))
    return tuple(faults)


@dataclass(frozen=True, slots=True)
class SmallRun:
    """What was asked, how the core was called, and what became of the asks."""

    asks: Sequence[Ask]
    events: Sequence[Event]
    record: RunRecord


def at_gateway_run(policy: Policy, *, seed: int, segment_tokens: int) -> SmallRun:
    """One run behind the simulator's gateway."""
    dice, events = random.Random(seed), list[Event]()
    workload = a_workload(dice, segment_tokens=segment_tokens)
    engines = dice.randrange(1, 4)
    settings = SimulationSettings(
        window=dice.randrange(1, 5),
        charge_every_ms=dice.choice([0, 10, 250]),
        queue_wait_s_max=dice.choice([None, 0.2]),
        faults=some_faults(dice, engines),
    )
    fleet = at_gateway(
        workload,
        policy,
        PROFILE,
        engines=engines,
        settings=settings,
        scheduler_of=lambda settings: Recorder(settings, events.append),
    )
    return SmallRun(list(workload.asks), events, fleet.run())


def in_engine_run(policy: Policy, *, seed: int, segment_tokens: int) -> SmallRun:
    """One run with the core inside an engine, which is of the other kind in every other run."""
    dice, events = random.Random(seed), list[Event]()
    workload = a_workload(dice, segment_tokens=segment_tokens)
    fleet = in_engine(
        workload,
        policy,
        PROFILE.model_copy(update={"loop": dice.choice(["vllm", "slora"])}),
        settings=SimulationSettings(
            kv_tokens=dice.choice([400, 1_000]),
            sequences_max=dice.randrange(1, 9),
            queue_wait_s_max=dice.choice([None, 0.2]),
            faults=some_faults(dice, 1),
        ),
        scheduler_of=lambda settings: Recorder(settings, events.append),
    )
    return SmallRun(list(workload.asks), events, fleet.run())


HOSTS = {"gateway": at_gateway_run, "engine": in_engine_run}
"""Who hosts the core, by name."""
