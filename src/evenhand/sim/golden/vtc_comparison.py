"""A measured run of the VTC artifact beside its replay, as a document."""

from dataclasses import asdict

from pydantic import BaseModel, ConfigDict

from evenhand.sim.golden.vtc_columns import Columns
from evenhand.sim.golden.vtc_replay import replay
from evenhand.sim.golden.vtc_rows import MeasuredRun
from evenhand.sim.golden.vtc_setup import Setup
from evenhand.sim.measures.service_difference import accumulated_gap, service_difference


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Difference(_Part):
    """The artifact's service difference over its 19 windows, in weighted tokens a second."""

    max: float
    mean: float
    var: float


class Sides(_Part):
    """Measured and simulated."""

    measured: Difference
    simulated: Difference


class Client(_Part):
    """Of requests that were not refused; None: all were."""

    ttft_mean_measured_s: float | None
    ttft_mean_simulated_s: float | None


class RunComparison(_Part):
    """Errors as parts of what was measured, below 0 where the replay was faster or did less. The
    makespan ends with the last answer. `end_gap` is the greatest difference of service received between
    two clients until 600 s."""

    policy: str
    engine: str
    pool_tokens: int
    requests: int
    refused_measured: int
    refused_simulated: int
    makespan_measured_s: float
    makespan_simulated_s: float
    makespan_error: float
    tokens_per_s_measured: float
    tokens_per_s_simulated: float
    throughput_error: float
    clients: dict[str, Client]
    service_difference: Sides
    end_gap_measured: float
    end_gap_simulated: float


_GAP_UNTIL_S = 600.0


def compare(run: MeasuredRun, setup: Setup) -> RunComparison:
    """Replay it and hold the two against each other. ValueError: it cannot be; the message says why."""
    measured = run.columns()
    if not measured.client or run.total_time_s <= 0:
        raise ValueError(f"{run.name}: none of its requests was answered, or it took no time.")
    simulated = replay(run.sent, setup)
    policy = setup.policy
    return RunComparison(
        policy=f"{policy.name}, prediction {policy.prediction.name}, cost {policy.cost.name}",
        engine=setup.profile,
        pool_tokens=setup.pool_tokens,
        requests=len(run),
        refused_measured=len(run) - len(measured.client),
        refused_simulated=len(run) - len(simulated.client),
        makespan_measured_s=run.total_time_s,
        makespan_simulated_s=simulated.makespan_s,
        makespan_error=_error(run.total_time_s, simulated.makespan_s),
        tokens_per_s_measured=measured.tokens / run.total_time_s,
        tokens_per_s_simulated=simulated.tokens / simulated.makespan_s,
        throughput_error=_error(
            measured.tokens / run.total_time_s, simulated.tokens / simulated.makespan_s
        ),
        clients=_clients(run, measured, simulated),
        service_difference=Sides(measured=_difference(measured), simulated=_difference(simulated)),
        end_gap_measured=accumulated_gap(measured.served(), _GAP_UNTIL_S),
        end_gap_simulated=accumulated_gap(simulated.served(), _GAP_UNTIL_S),
    )


def _error(measured: float, simulated: float) -> float:
    return simulated / measured - 1


def _difference(columns: Columns) -> Difference:
    return Difference(**asdict(service_difference(columns.served())))


def _clients(run: MeasuredRun, measured: Columns, simulated: Columns) -> dict[str, Client]:
    ours, theirs = simulated.ttft_mean_s(), measured.ttft_mean_s()
    return {
        client: Client(
            ttft_mean_measured_s=theirs.get(client), ttft_mean_simulated_s=ours.get(client)
        )
        for client in dict.fromkeys(run.client)
    }
