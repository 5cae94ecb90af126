"""Engines that batch as vLLM does behind a gateway, with faults, ready to be compared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from evenhand.model import EngineName
from evenhand.scheduling import Policy, Scheduler
from evenhand.sim.engine.protocol import Engine, WorkSource
from evenhand.sim.engine.vllm.loop import VllmLoop
from evenhand.sim.fleet import scheduler_settings
from evenhand.sim.host.at_gateway import AtGateway, EngineQueue
from evenhand.sim.host.in_engine import InEngine
from evenhand.sim.host.protocol import Host
from evenhand.sim.profile import EngineProfile
from evenhand.sim.requests import request_maker
from evenhand.sim.run_record import RunRecord
from evenhand.sim.simulation import Simulation
from evenhand.workloads.workload import Workload

_WHOLE = 4  # columns of a row that are no instants

MakeEngine = Callable[[EngineName, EngineProfile, WorkSource], Engine]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What is replayed. `patience_ms` by ask; `slowdowns` are (moment, engine, factor), `failures`
    (moment, engine): it has lost all that it had and goes on."""

    workload: Workload
    policy: Policy
    profile: EngineProfile
    engines: int = 1
    charge_every_ms: float = 0.0
    patience_ms: Mapping[int, float] = field(default_factory=dict)
    is_in_engine: bool = False
    hears_evictions: bool = False
    slowdowns: Sequence[tuple[float, int, float]] = ()
    failures: Sequence[tuple[float, int]] = ()


@dataclass(frozen=True)
class Played:
    record: RunRecord
    engines: list[Engine]

    def rows(self) -> list[tuple[float, ...]]:
        """By ask: all that a run says of it, instants last."""
        r = self.record
        columns = (r.ask, r.fate, r.output_tokens, r.cached_tokens, r.started_ms, r.first_token_ms)
        return sorted(zip(*columns, r.ended_ms, strict=True))

    def sums(self) -> list[tuple[int, int, int, int]]:
        return [(e.steps, e.preemptions, e.prompt_tokens, e.cached_tokens) for e in self.engines]


def play(scene: Scene, make_engine: MakeEngine = VllmLoop) -> Played:
    scheduler = Scheduler(scheduler_settings(scene.workload, scene.policy))
    request_of = request_maker(reads_prefix=scene.policy.reads_prefix)
    fleet: dict[EngineName, tuple[Engine, EngineQueue]] = {}
    for number in range(scene.engines):
        name, queue = EngineName(f"engine-{number}"), EngineQueue()
        fleet[name] = make_engine(name, scene.profile, queue), queue
    engines = [engine for engine, _ in fleet.values()]
    if scene.is_in_engine:
        inside = InEngine(scheduler, request_of=request_of)
        engines = [make_engine(EngineName("engine"), scene.profile, inside)]
    simulation = Simulation(
        iter(scene.workload.asks),
        engines,
        patience_ms=lambda ask: scene.patience_ms.get(ask.id, float("inf")),
    )
    host: Host
    if scene.is_in_engine:
        inside.serve(engines[0], sequences_max=scene.profile.sequences_max, ended=simulation.ended)
        host = inside
    else:
        host = AtGateway(
            scheduler,
            fleet,
            window=scene.profile.sequences_max,
            request_of=request_of,
            ended=simulation.ended,
            charge_every_ms=scene.charge_every_ms,
        )
        for engine in engines:
            if isinstance(engine, VllmLoop) and scene.hears_evictions:
                engine.tell_forgotten(partial(host.evicted, engine.name))

    def slow_down(index: int, factor: float, now_ms: float) -> None:
        engines[index].slow_down(factor, now_ms)
        simulation._note_boundary(index)

    def fail(index: int, now_ms: float) -> None:
        engines[index].bring_up(now_ms)
        host.failed(engines[index], engines[index].fail(), now_ms)
        host.returned(engines[index], now_ms)

    for at_ms, index, factor in scene.slowdowns:
        simulation.at(at_ms, partial(slow_down, index, factor))
    for at_ms, index in scene.failures:
        simulation.at(at_ms, partial(fail, index))
    return Played(simulation.run(host), engines)


step_by_step: MakeEngine = partial(VllmLoop, coalesce=False)


def unlike(one: Played, other: Played, *, within_ms: float) -> list[object]:
    """What differs: whole figures at all, instants by more than that."""
    found: list[object] = [
        (mine, its)
        for mine, its in zip(one.rows(), other.rows(), strict=True)
        if mine[:_WHOLE] != its[:_WHOLE]
        or any(abs(a - b) > within_ms for a, b in zip(mine[_WHOLE:], its[_WHOLE:], strict=True))
    ]
    return found + [
        pair for pair in zip(one.sums(), other.sums(), strict=True) if pair[0] != pair[1]
    ]
