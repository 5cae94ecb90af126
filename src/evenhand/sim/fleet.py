"""Engines of one profile behind one gateway, ready to run."""

from evenhand.model import EngineName
from evenhand.scheduling import Policy, QueueLimits, Scheduler, SchedulerSettings
from evenhand.sim.engine.protocol import Engine
from evenhand.sim.engine.vllm.loop import VllmLoop
from evenhand.sim.host.at_gateway import AtGateway, EngineQueue
from evenhand.sim.profile import EngineProfile
from evenhand.sim.requests import request_maker
from evenhand.sim.run_record import RunRecord
from evenhand.sim.simulation import Simulation, Watch
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
    return SchedulerSettings(tenants=workload.tenants, policy=policy, limits=limits)


def run_at_gateway(
    workload: Workload,
    policy: Policy,
    profile: EngineProfile,
    *,
    engines: int,
    watch: Watch | None = None,
) -> RunRecord:
    """Replay a workload."""
    fleet: dict[EngineName, tuple[Engine, EngineQueue]] = {}
    for number in range(engines):
        name, queue = EngineName(f"engine-{number:03}"), EngineQueue()
        fleet[name] = VllmLoop(name, profile, queue), queue
    simulation = Simulation(iter(workload.asks), [engine for engine, _ in fleet.values()])
    host = AtGateway(
        Scheduler(scheduler_settings(workload, policy)),
        fleet,
        window=profile.sequences_max,
        request_of=request_maker(reads_prefix=policy.reads_prefix),
        ended=simulation.ended,
    )
    return simulation.run(host, watch)
