"""Engines of one profile, and whoever hosts the core, ready to run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evenhand.model import ApplicationName, EngineName
from evenhand.scheduling import Policy, QueueLimits, Scheduler, SchedulerSettings
from evenhand.sim.engine.protocol import IDLE, Engine
from evenhand.sim.engine.slora.loop import SloraLoop
from evenhand.sim.engine.vllm.loop import VllmLoop
from evenhand.sim.faults import Faults
from evenhand.sim.host.at_gateway import AtGateway, EngineQueue
from evenhand.sim.host.in_engine import InEngine
from evenhand.sim.host.protocol import Host
from evenhand.sim.profile import EngineProfile
from evenhand.sim.requests import FOREVER_MS, RequestOf, request_maker
from evenhand.sim.run_record import RunRecord
from evenhand.sim.settings import SimulationSettings
from evenhand.sim.simulation import Simulation, Watch
from evenhand.workloads.ask import Ask
from evenhand.workloads.workload import Workload

_NO_LIMIT = 1 << 60


def scheduler_settings(workload: Workload, policy: Policy) -> SchedulerSettings:
    """Those of a gateway that refuses nothing for want of room: how long queues get is a result."""
    limits = QueueLimits(
        requests_max=_NO_LIMIT,
        bytes_max=_NO_LIMIT,
        tenant_requests_max=_NO_LIMIT,
        tenant_bytes_max=_NO_LIMIT,
    )
    units = {ApplicationName(name): units for name, units in workload.application_units.items()}
    return SchedulerSettings(
        tenants=workload.tenants,
        policy=policy,
        limits=limits,
        application_units=units,
        lanes=workload.lanes,
    )


@dataclass(frozen=True, slots=True)
class Fleet:
    """Engines and whoever hosts the core, around a simulation that has not run."""

    simulation: Simulation
    host: Host
    engines: Sequence[Engine]

    def run(self, watch: Watch | None = None) -> RunRecord:
        """Once."""
        return self.simulation.run(self.host, watch)


SchedulerOf = Callable[[SchedulerSettings], Scheduler]
"""Makes the scheduler of a run; `EventLog.scheduler` makes one that is recorded."""


def at_gateway(
    workload: Workload,
    policy: Policy,
    profile: EngineProfile,
    *,
    engines: int,
    settings: SimulationSettings | None = None,
    scheduler_of: SchedulerOf = Scheduler,
    faults: Faults | None = None,
) -> Fleet:
    """One gateway before so many engines. ValueError: a fault is of an engine that is not there."""
    settings, faults = settings or SimulationSettings(), faults or Faults(())
    profile = settings.profile(profile)
    queues: dict[EngineName, tuple[Engine, EngineQueue]] = {}
    for number in range(engines):
        name, queue = EngineName(f"engine-{number:03}"), EngineQueue()
        queues[name] = _engine(name, profile, queue), queue
    fleet = [engine for engine, _ in queues.values()]
    simulation = _simulation(workload, fleet, settings, faults)
    host = AtGateway(
        scheduler_of(scheduler_settings(workload, policy)),
        queues,
        window=settings.window or profile.sequences_max,
        request_of=_request_of(policy, settings),
        ended=simulation.ended,
        charge_every_ms=settings.charge_every_ms,
        queue_tokens=profile.step_tokens_max,
    )
    return Fleet(simulation, host, fleet)


def in_engine(
    workload: Workload,
    policy: Policy,
    profile: EngineProfile,
    *,
    settings: SimulationSettings | None = None,
    scheduler_of: SchedulerOf = Scheduler,
    faults: Faults | None = None,
) -> Fleet:
    """The core inside one engine, which asks it whenever it has room. ValueError as of `at_gateway`."""
    settings, faults = settings or SimulationSettings(), faults or Faults(())
    profile = settings.profile(profile)
    host = InEngine(
        scheduler_of(scheduler_settings(workload, policy)),
        request_of=_request_of(policy, settings),
    )
    name = EngineName("engine-000")
    engine: Engine = (
        SloraLoop(name, profile, host, least=host.least)
        if profile.loop == "slora"
        else VllmLoop(name, profile, host)
    )
    simulation = _simulation(workload, [engine], settings, faults)
    host.serve(engine, sequences_max=profile.sequences_max, ended=simulation.ended)
    return Fleet(simulation, host, [engine])


def is_in_engine(profile: EngineProfile, engines: int) -> bool:
    """Whether `fleet_of` puts the core inside the engine."""
    return profile.loop == "slora" and engines == 1


def fleet_of(
    workload: Workload,
    policy: Policy,
    profile: EngineProfile,
    *,
    engines: int,
    settings: SimulationSettings | None = None,
    scheduler_of: SchedulerOf = Scheduler,
    faults: Faults | None = None,
) -> Fleet:
    """The core inside a single S-LoRA-like engine, or else in a gateway before all of them. ValueError
    as of `at_gateway`."""
    if is_in_engine(profile, engines):
        return in_engine(
            workload, policy, profile, settings=settings, scheduler_of=scheduler_of, faults=faults
        )
    return at_gateway(
        workload,
        policy,
        profile,
        engines=engines,
        settings=settings,
        scheduler_of=scheduler_of,
        faults=faults,
    )


def run_at_gateway(
    workload: Workload,
    policy: Policy,
    profile: EngineProfile,
    *,
    engines: int,
    watch: Watch | None = None,
) -> RunRecord:
    """Replay a workload."""
    return at_gateway(workload, policy, profile, engines=engines).run(watch)


def _simulation(
    workload: Workload, fleet: Sequence[Engine], settings: SimulationSettings, faults: Faults
) -> Simulation:
    simulation = Simulation(
        iter(workload.asks),
        fleet,
        patience_ms=_patience_ms(settings.patience_s, faults),
        first_token_patience_ms=faults.first_token_patience_ms if faults.of_clients else None,
        queue_wait_ms_max=_queue_wait_ms_max(settings),
    )
    faults.plan(simulation, fleet)
    return simulation


def _engine(name: EngineName, profile: EngineProfile, queue: EngineQueue) -> Engine:
    return (SloraLoop if profile.loop == "slora" else VllmLoop)(name, profile, queue)


def _request_of(policy: Policy, settings: SimulationSettings) -> RequestOf:
    wait_ms = _queue_wait_ms_max(settings)
    return request_maker(
        reads_prefix=policy.reads_prefix,
        queue_wait_ms_max=FOREVER_MS if wait_ms == IDLE else int(wait_ms),
    )


def _queue_wait_ms_max(settings: SimulationSettings) -> float:
    wait_s = settings.queue_wait_s_max
    return IDLE if wait_s is None else float(round(wait_s * 1000))


def _patience_ms(patience_s: float | None, faults: Faults) -> Callable[[Ask], float] | None:
    if patience_s is None:
        return faults.patience_ms if faults.of_clients else None
    patience_ms = patience_s * 1000
    return lambda ask: min(patience_ms, faults.patience_ms(ask))
