"""A log's requests sent again to one simulated engine, first come, first served."""

from collections.abc import Sequence
from typing import NamedTuple

from evenhand.model import EngineName
from evenhand.sim.engine.vllm.loop import VllmLoop
from evenhand.sim.engine_log.timestamps import Timestamps, as_asks
from evenhand.sim.host.direct import Direct, OwnQueue
from evenhand.sim.job import Job
from evenhand.sim.profile import EngineProfile
from evenhand.sim.run_record import Fate
from evenhand.sim.simulation import Simulation


class Replay(NamedTuple):
    """`log` as the simulated engine would have written it; `preempted` says how often each request
    was."""

    log: list[Timestamps]
    preempted: list[int]


def replay(log: Sequence[Timestamps], profile: EngineProfile) -> Replay:
    """Send each request when it arrived. ValueError: the profile's loop is not vLLM's, or a request can
    never fit."""
    if profile.loop != "vllm":
        raise ValueError(f"{profile.name} batches as {profile.loop} does; a vLLM log needs `vllm`")
    for each in log:
        if each.input_tokens + each.output_tokens > profile.kv_tokens:
            raise ValueError(
                f"request {each.request_id} has {each.input_tokens + each.output_tokens} tokens, more"
                f" than the {profile.kv_tokens} of {profile.name}"
            )
    queue = OwnQueue()
    engine = VllmLoop(EngineName("engine"), profile, queue)
    simulation = Simulation(iter(as_asks(log)), [engine])
    jobs: dict[int, Job] = {}

    def ended(job: Job, fate: Fate) -> None:
        jobs[job.ask.id] = job
        simulation.ended(job, fate)

    simulation.run(Direct(engine, queue, ended))
    in_order = [jobs[index] for index in range(len(log))]
    simulated = [
        each._replace(
            scheduled_ms=job.started_ms, first_token_ms=job.first_token_ms, ended_ms=job.ended_ms
        )
        for each, job in zip(log, in_order, strict=True)
    ]
    return Replay(simulated, [job.preemptions for job in in_order])
