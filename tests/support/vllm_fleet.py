"""Engines that batch as vLLM does behind a gateway, with faults, ready to be compared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from evenhand.model import EngineName
from evenhand.scheduling import Policy, Scheduler
from evenhand.sim.engine.protocol import Engine
from evenhand.sim.engine.vllm.loop import VllmLoop
from evenhand.sim.fleet import scheduler_settings
from evenhand.sim.host.at_gateway import AtGateway, EngineQueue
from evenhand.sim.profile import EngineProfile
from evenhand.sim.requests import request_maker
from evenhand.sim.run_record import RunRecord
from evenhand.sim.simulation import Simulation
from evenhand.workloads.ask import Ask
from evenhand.workloads.workload import Workload

MakeEngine = Callable[[EngineName, EngineProfile, EngineQueue], Engine]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What is replayed. `patience_ms` by ask; `slowdowns` are (moment, engine, factor)."""

    workload: Workload
    policy: Policy
    profile: EngineProfile
    engines: int = 1
    charge_every_ms: float = 0.0
    patience_ms: Mapping[int, float] = field(default_factory=dict)
    slowdowns: Sequence[tuple[float, int, float]] = ()


@dataclass(frozen=True)
class Played:
    record: RunRecord
    engines: list[Engine]

    def rows(self) -> list[tuple[object, ...]]:
        """By ask: all that a run says of it, instants last."""
        r = self.record
        columns = (r.ask, r.fate, r.output_tokens, r.cached_tokens, r.started_ms, r.first_token_ms)
        return sorted(zip(*columns, r.ended_ms, strict=True))

    def sums(self) -> list[tuple[int, int, int, int]]:
        return [(e.steps, e.preemptions, e.prompt_tokens, e.cached_tokens) for e in self.engines]


def play(scene: Scene, make_engine: MakeEngine = VllmLoop) -> Played:
    fleet: dict[EngineName, tuple[Engine, EngineQueue]] = {}
    for number in range(scene.engines):
        name, queue = EngineName(f"engine-{number}"), EngineQueue()
        fleet[name] = make_engine(name, scene.profile, queue), queue
    engines = [engine for engine, _ in fleet.values()]

    def patience_ms(ask: Ask) -> float:
        return scene.patience_ms.get(ask.id, float("inf"))

    simulation = Simulation(iter(scene.workload.asks), engines, patience_ms=patience_ms)
    host = AtGateway(
        Scheduler(scheduler_settings(scene.workload, scene.policy)),
        fleet,
        window=scene.profile.sequences_max,
        request_of=request_maker(reads_prefix=scene.policy.reads_prefix),
        ended=simulation.ended,
        charge_every_ms=scene.charge_every_ms,
    )

    def slow_down(index: int, factor: float, now_ms: float) -> None:
        engines[index].slow_down(factor, now_ms)
        simulation._note_boundary(index)

    for at_ms, index, factor in scene.slowdowns:
        simulation.at(at_ms, partial(slow_down, index, factor))
    return Played(simulation.run(host), engines)


step_by_step: MakeEngine = partial(VllmLoop, coalesce=False)
