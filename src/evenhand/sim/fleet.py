"""Engines of one profile behind one gateway, ready to run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from evenhand.model import ApplicationName, EngineName
from evenhand.scheduling import Policy, QueueLimits, Scheduler, SchedulerSettings
from evenhand.sim.engine.protocol import Engine
from evenhand.sim.engine.vllm.loop import VllmLoop
from evenhand.sim.host.at_gateway import AtGateway, EngineQueue
from evenhand.sim.host.protocol import Host
from evenhand.sim.profile import EngineProfile
from evenhand.sim.requests import FOREVER_MS, request_maker
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


def at_gateway(
    workload: Workload,
    policy: Policy,
    profile: EngineProfile,
    *,
    engines: int,
    settings: SimulationSettings | None = None,
) -> Fleet:
    """One gateway before so many engines."""
    settings = settings or SimulationSettings()
    profile = settings.profile(profile)
    queues: dict[EngineName, tuple[VllmLoop, EngineQueue]] = {}
    for number in range(engines):
        name, queue = EngineName(f"engine-{number:03}"), EngineQueue()
        queues[name] = VllmLoop(name, profile, queue), queue
    fleet: list[VllmLoop] = [engine for engine, _ in queues.values()]
    simulation = Simulation(
        iter(workload.asks), fleet, patience_ms=_patience_ms(settings.patience_s)
    )
    wait_s = settings.queue_wait_s_max
    host = AtGateway(
        Scheduler(scheduler_settings(workload, policy)),
        queues,
        window=settings.window or profile.sequences_max,
        request_of=request_maker(
            reads_prefix=policy.reads_prefix,
            queue_wait_ms_max=FOREVER_MS if wait_s is None else round(wait_s * 1000),
        ),
        ended=simulation.ended,
        charge_every_ms=settings.charge_every_ms,
    )
    if settings.hears_evictions:
        for engine in fleet:
            engine.tell_forgotten(partial(host.evicted, engine.name))
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


def _patience_ms(patience_s: float | None) -> Callable[[Ask], float] | None:
    if patience_s is None:
        return None
    patience_ms = patience_s * 1000
    return lambda _: patience_ms
