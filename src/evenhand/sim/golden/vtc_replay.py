"""One measured run of the VTC artifact, replayed on the engine that it ran on."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from evenhand.model import EngineName, TenantPath
from evenhand.scheduling import QueueLimits, Scheduler, SchedulerSettings, TenantShare
from evenhand.sim.engine.slora.loop import SloraLoop
from evenhand.sim.golden.vtc_rows import MeasuredRun
from evenhand.sim.golden.vtc_setup import Setup
from evenhand.sim.host.in_engine import InEngine
from evenhand.sim.measures.service_difference import Served
from evenhand.sim.profile import EngineProfile, load_profile
from evenhand.sim.requests import request_maker
from evenhand.sim.run_record import Fate, RunRecord
from evenhand.sim.simulation import Simulation
from evenhand.workloads.ask import Ask

_NO_LIMIT = 1 << 60
_PREFILL_TOKENS_MIN = 3_072
_PROMPT_ADDED_TOKENS = 2
"""The artifact's prompt of n tokens is a word n times and a space, and the tokenizer puts a mark before
it. The rows say n; none of its prefills held more than fits with these two each."""


class Columns(NamedTuple):
    """A run as its clients saw it, whether measured or simulated: one entry for each request that was
    not refused, times in seconds."""

    client: list[str]
    sent_s: list[float]
    first_token_s: list[float]
    ended_s: list[float]
    input_tokens: list[int]
    output_tokens: list[int]

    @property
    def makespan_s(self) -> float:
        """From the start to the last end."""
        return max(self.ended_s, default=0.0)

    @property
    def tokens(self) -> int:
        """Of input and output."""
        return sum(self.input_tokens) + sum(self.output_tokens)

    def ttft_mean_s(self) -> dict[str, float]:
        """Of each client."""
        waits: dict[str, list[float]] = {}
        for client, sent, first in zip(self.client, self.sent_s, self.first_token_s, strict=True):
            waits.setdefault(client, []).append(first - sent)
        return {client: sum(each) / len(each) for client, each in waits.items()}

    def served(self) -> Served:
        """For measures, clients numbered."""
        numbers = {client: number for number, client in enumerate(dict.fromkeys(self.client))}
        return Served(
            np.array([numbers[client] for client in self.client], dtype=np.int64),
            np.array(self.sent_s),
            np.array(self.first_token_s),
            np.array(self.ended_s),
            np.array(self.input_tokens) + 2.0 * np.array(self.output_tokens),
        )


def measured_columns(run: MeasuredRun) -> Columns:
    """As measured."""
    kept = [i for i in range(len(run)) if run.ttft_s[i] >= 0]
    return Columns(
        [run.client[i] for i in kept],
        [run.t_s[i] for i in kept],
        [run.t_s[i] + run.ttft_s[i] for i in kept],
        [run.t_s[i] + run.latency_s[i] for i in kept],
        [run.input_tokens[i] for i in kept],
        [run.output_tokens[i] for i in kept],
    )


def replayed_columns(run: MeasuredRun, setup: Setup) -> Columns:
    """As simulated, under the policy of the setup."""
    record = replay(run, setup)
    tenants = [tenant[0] for tenant in record.tenants]
    kept = [i for i in range(len(record)) if record.fate[i] == Fate.COMPLETED]
    return Columns(
        [tenants[record.tenant[i]] for i in kept],
        [record.arrived_ms[i] / 1000 for i in kept],
        [record.first_token_ms[i] / 1000 for i in kept],
        [record.ended_ms[i] / 1000 for i in kept],
        [record.input_tokens[i] - _PROMPT_ADDED_TOKENS for i in kept],
        [record.output_tokens[i] for i in kept],
    )


def replay(run: MeasuredRun, setup: Setup) -> RunRecord:
    """The whole record."""
    profile = engine_of(setup)
    scheduler = Scheduler(
        SchedulerSettings(tenants=_tenants(run, setup), policy=setup.policy, limits=_LIMITS)
    )
    host = InEngine(scheduler, request_of=request_maker(reads_prefix=False, predict=setup.predict))
    engine = SloraLoop(EngineName("engine"), profile, host, least=host.least)
    simulation = Simulation(_asks(run), [engine])
    host.serve(engine, sequences_max=profile.sequences_max, ended=simulation.ended)
    return simulation.run(host)


_LIMITS = QueueLimits(
    requests_max=_NO_LIMIT,
    bytes_max=_NO_LIMIT,
    tenant_requests_max=_NO_LIMIT,
    tenant_bytes_max=_NO_LIMIT,
)


def engine_of(setup: Setup) -> EngineProfile:
    """The profile with the pool of that run. A prefill takes a sixth of the pool at most, but at least
    the longest request that the artifact's server lets in."""
    profile, pool = load_profile(setup.profile), setup.pool_tokens
    step_tokens_max = max(_PREFILL_TOKENS_MIN, pool // 6)
    return profile.model_copy(update={"kv_tokens": pool, "step_tokens_max": step_tokens_max})


def _tenants(run: MeasuredRun, setup: Setup) -> tuple[TenantShare, ...]:
    weights = {str(number): weight for number, weight in enumerate(setup.weights)}
    names = dict.fromkeys(run.client)
    return tuple(TenantShare(name=name, weight=weights.get(name, 1)) for name in names)


def _asks(run: MeasuredRun) -> Iterator[Ask]:
    rows = zip(run.t_s, run.client, run.input_tokens, run.output_tokens, strict=True)
    for number, (t_s, client, input_tokens, output_tokens) in enumerate(rows):
        yield Ask(
            id=number,
            at_ms=t_s * 1000,
            tenant=TenantPath((client,)),
            input_tokens=input_tokens + _PROMPT_ADDED_TOKENS,
            output_tokens=output_tokens,
        )
