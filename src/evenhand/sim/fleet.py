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
    if settings.hears_evictions:
        for engine in fleet:
            if isinstance(engine, VllmLoop):
                engine.tell_forgotten(partial(host.evicted, engine.name))
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaSettings:
    """Gateways before the same engines; each tells the others every `sync_s` what it has charged, None:
    never. `home_share` and `slots_follow` as in `host/replicas.py`."""

    gateways: int = 2
    sync_s: float | None = None
    home_share: float | None = None
    slots_follow: bool = False


def at_replicas(
    workload: Workload,
    policy: Policy,
    profile: EngineProfile,
    *,
    engines: int,
    replicas: ReplicaSettings,
    settings: SimulationSettings | None = None,
    scheduler_of: SchedulerOf = Scheduler,
    faults: Faults | None = None,
) -> Fleet:
    """Several gateways before so many engines. ValueError as of `at_gateway`."""
    settings, faults = settings or SimulationSettings(), faults or Faults(())
    profile = settings.profile(profile)
    window = settings.window or profile.sequences_max
    count = replicas.gateways
    fleet: list[Engine] = []
    own: list[dict[EngineName, tuple[Engine, EngineQueue]]] = [{} for _ in range(count)]
    for number in range(engines):
        name, queues = EngineName(f"engine-{number:03}"), [EngineQueue() for _ in range(count)]
        fleet.append(_engine(name, profile, SharedQueue(queues)))
        for served, queue in zip(own, queues, strict=True):
            served[name] = fleet[-1], queue
    simulation = _simulation(workload, fleet, settings, faults)
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
        ingress(count, tenants, home_share=replicas.home_share),
        sync_ms=IDLE if replicas.sync_s is None else replicas.sync_s * 1000,
        window=window,
        slots_follow=replicas.slots_follow,
    )
    return Fleet(simulation, host, fleet)


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
