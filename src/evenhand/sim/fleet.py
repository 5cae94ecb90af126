"""Engines of one profile, and whoever hosts the core, ready to run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from evenhand.model import ApplicationName, EngineName, TenantPath
from evenhand.scheduling import Policy, QueueLimits, Scheduler, SchedulerSettings, tenant_paths
from evenhand.sim.engine.protocol import IDLE, Engine, WorkSource
from evenhand.sim.engine.slora.loop import SloraLoop
from evenhand.sim.engine.vllm.loop import VllmLoop
from evenhand.sim.faults import Faults
from evenhand.sim.host.at_gateway import AtGateway, EngineQueue
from evenhand.sim.host.in_engine import InEngine
from evenhand.sim.host.protocol import Host
from evenhand.sim.host.replicas import Replicas, SharedQueue, divided, ingress
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
) -> Fleet:
    """One gateway before so many engines. ValueError: a fault is of an engine that is not there."""
    settings = settings or SimulationSettings()
    profile = settings.profile(profile)
    queues: dict[EngineName, tuple[Engine, EngineQueue]] = {}
    for name in engine_names(engines):
        queue = EngineQueue()
        queues[name] = _engine(name, profile, queue), queue
    fleet = [engine for engine, _ in queues.values()]
    simulation = _simulation(workload, fleet, settings)
    host = AtGateway(
        scheduler_of(scheduler_settings(workload, policy)),
        queues,
        window=settings.window or profile.sequences_max,
        request_of=_request_of(policy, settings),
        ended=simulation.ended,
        charge_every_ms=settings.charge_every_ms,
        queue_tokens=profile.step_tokens_max,
    )
    _tell_evictions(host, fleet, settings)
    return Fleet(simulation, host, fleet)


def in_engine(
    workload: Workload,
    policy: Policy,
    profile: EngineProfile,
    *,
    settings: SimulationSettings | None = None,
    scheduler_of: SchedulerOf = Scheduler,
) -> Fleet:
    """The core inside one engine, which asks it whenever it has room. ValueError as of `at_gateway`."""
    settings = settings or SimulationSettings()
    profile = settings.profile(profile)
    host = InEngine(
        scheduler_of(scheduler_settings(workload, policy)),
        request_of=_request_of(policy, settings),
    )
    (name,) = engine_names(1)
    engine: Engine = (
        SloraLoop(name, profile, host, least=host.least)
        if profile.loop == "slora"
        else VllmLoop(name, profile, host)
    )
    simulation = _simulation(workload, [engine], settings)
    host.serve(engine, sequences_max=profile.sequences_max, ended=simulation.ended)
    return Fleet(simulation, host, [engine])


def engine_names(engines: int) -> list[EngineName]:
    """Of so many."""
    return [EngineName(f"engine-{number:03}") for number in range(engines)]


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
) -> Fleet:
    """The core inside a single S-LoRA-like engine, or else in a gateway before all of them, or in
    several. ValueError as of `at_gateway`."""
    if is_in_engine(profile, engines):
        return in_engine(workload, policy, profile, settings=settings, scheduler_of=scheduler_of)
    host = at_gateway if settings is None or settings.gateways == 1 else at_replicas
    return host(
        workload,
        policy,
        profile,
        engines=engines,
        settings=settings,
        scheduler_of=scheduler_of,
    )


def at_replicas(
    workload: Workload,
    policy: Policy,
    profile: EngineProfile,
    *,
    engines: int,
    settings: SimulationSettings | None = None,
    scheduler_of: SchedulerOf = Scheduler,
) -> Fleet:
    """Gateways before so many engines, as many as the settings say. ValueError as of `at_gateway`."""
    settings = settings or SimulationSettings()
    profile = settings.profile(profile)
    window = settings.window or profile.sequences_max
    count = settings.gateways
    fleet: list[Engine] = []
    own: list[dict[EngineName, tuple[Engine, EngineQueue]]] = [{} for _ in range(count)]
    for name in engine_names(engines):
        queues = [EngineQueue() for _ in range(count)]
        fleet.append(_engine(name, profile, SharedQueue(queues)))
        for served, queue in zip(own, queues, strict=True):
            served[name] = fleet[-1], queue
    simulation = _simulation(workload, fleet, settings)
    gateways = []
    windows = divided(window, [1.0] * count)
    for number in range(count):
        scheduler = scheduler_of(scheduler_settings(workload, policy))
        gateway = AtGateway(
            scheduler,
            own[number],
            window=windows[number],
            request_of=_request_of(policy, settings),
            ended=simulation.ended,
            charge_every_ms=settings.charge_every_ms,
            queue_tokens=profile.step_tokens_max,
            number=number,
        )
        gateways.append((gateway, scheduler))
    tenants = [TenantPath(path) for path in tenant_paths(workload.tenants)]
    host = Replicas(
        gateways,
        ingress(count, tenants, home_share=settings.home_share),
        sync_ms=IDLE if settings.sync_s is None else settings.sync_s * 1000,
        window=window,
        slots_follow=bool(settings.slots_follow),
    )
    _tell_evictions(host, fleet, settings)
    return Fleet(simulation, host, fleet)


def _simulation(
    workload: Workload, fleet: Sequence[Engine], settings: SimulationSettings
) -> Simulation:
    faults = Faults(settings.faults)
    simulation = Simulation(
        iter(workload.asks),
        fleet,
        patience_ms=_patience_ms(settings.patience_s, faults),
        first_token_patience_ms=faults.first_token_patience_ms if faults.of_clients else None,
        queue_wait_ms_max=_queue_wait_ms_max(settings),
    )
    faults.plan(simulation, fleet)
    return simulation


def _tell_evictions(
    host: AtGateway | Replicas, fleet: Sequence[Engine], settings: SimulationSettings
) -> None:
    for engine in fleet if settings.hears_evictions else ():
        if isinstance(engine, VllmLoop):
            engine.tell_forgotten(partial(host.evicted, engine.name))


def _engine(name: EngineName, profile: EngineProfile, source: WorkSource) -> Engine:
    return (SloraLoop if profile.loop == "slora" else VllmLoop)(name, profile, source)


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
