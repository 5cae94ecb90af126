"""A benchmark's closed loop: so many clients, each of which sends when it was answered."""

from statistics import mean

from evenhand.model import EngineName
from evenhand.sim.engine.vllm.loop import VllmLoop
from evenhand.sim.host.direct import Direct, OwnQueue
from evenhand.sim.job import Job
from evenhand.sim.profile import EngineProfile
from evenhand.sim.run_record import Fate
from evenhand.sim.simulation import Simulation
from evenhand.workloads.ask import Ask

ROUNDS = 4
STAGGER_MS = 5.0


def time_per_token_ms(
    profile: EngineProfile, clients: int, input_tokens: int, output_tokens: int
) -> float:
    """The mean of a client's second and third request."""
    asks = [
        Ask(
            id=turn * clients + client,
            at_ms=client * STAGGER_MS,
            tenant=("benchmark",),
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            after=((turn - 1) * clients + client,) if turn else (),
            is_awaited=turn < ROUNDS - 1,
        )
        for client in range(clients)
        for turn in range(ROUNDS)
    ]
    queue = OwnQueue()
    engine = VllmLoop(EngineName("engine"), profile, queue)
    simulation = Simulation(iter(asks), [engine])
    times: list[float] = []

    def ended(job: Job, fate: Fate) -> None:
        simulation.ended(job, fate)
        if clients <= job.ask.id < (ROUNDS - 1) * clients:
            times.append((job.ended_ms - job.first_token_ms) / (output_tokens - 1))

    simulation.run(Direct(engine, queue, ended))
    return mean(times)
