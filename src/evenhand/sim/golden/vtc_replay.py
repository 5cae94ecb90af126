"""A run of the VTC artifact, replayed on the engine that it ran on, the core inside that engine."""

from collections.abc import Iterator

from evenhand.model import EngineName, TenantPath
from evenhand.scheduling import QueueLimits, Scheduler, SchedulerSettings, TenantShare
from evenhand.sim.engine.slora.loop import SloraLoop
from evenhand.sim.golden.vtc_columns import Columns, Sent
from evenhand.sim.golden.vtc_setup import Setup
from evenhand.sim.host.in_engine import InEngine
from evenhand.sim.profile import EngineProfile, load_profile
from evenhand.sim.requests import request_maker
from evenhand.sim.run_record import Fate, RunRecord
from evenhand.sim.simulation import Simulation
from evenhand.workloads.ask import Ask

_NO_LIMIT = 1 << 60
_LIMITS = QueueLimits(
    requests_max=_NO_LIMIT,
    bytes_max=_NO_LIMIT,
    tenant_requests_max=_NO_LIMIT,
    tenant_bytes_max=_NO_LIMIT,
)
_PREFILL_TOKENS_MIN = 3_072
PROMPT_ADDED_TOKENS = 2
"""The artifact's prompt of n tokens is a word n times and a space, and the tokenizer puts a mark before
it. The rows say n; none of its prefills held more than fits with these two each."""


def replay(sent: Sent, setup: Setup) -> Columns:
    """What became of these requests under the policy of the setup."""
    record = record_of(sent, setup)
    tenants = [tenant[0] for tenant in record.tenants]
    kept = [i for i in range(len(record)) if record.fate[i] == Fate.COMPLETED]
    return Columns(
        [tenants[record.tenant[i]] for i in kept],
        [record.arrived_ms[i] / 1000 for i in kept],
        [record.first_token_ms[i] / 1000 for i in kept],
        [record.ended_ms[i] / 1000 for i in kept],
        [record.input_tokens[i] - PROMPT_ADDED_TOKENS for i in kept],
        [record.output_tokens[i] for i in kept],
    )


def record_of(sent: Sent, setup: Setup) -> RunRecord:
    """The same as the simulator writes it down. ValueError: some request could never be run."""
    profile = engine_of(setup)
    settings = SchedulerSettings(tenants=_tenants(sent, setup), policy=setup.policy, limits=_LIMITS)
    host = InEngine(
        Scheduler(settings), request_of=request_maker(reads_prefix=False, predict=setup.predict())
    )
    engine = SloraLoop(EngineName("engine"), profile, host, least=host.least)
    asks = list(asks_of(sent))
    for ask in asks:
        if not engine.takes(ask):
            raise ValueError(
                f"request {ask.id} has {ask.input_tokens:,} + {ask.output_tokens:,} tokens, which a pool"
                f" of {profile.kv_tokens:,} with {profile.step_tokens_max:,} in a prefill never holds"
            )
    simulation = Simulation(iter(asks), [engine])
    host.serve(engine, sequences_max=profile.sequences_max, ended=simulation.ended)
    return simulation.run(host)


def engine_of(setup: Setup) -> EngineProfile:
    """The profile with the pool of that run. A prefill takes a sixth of the pool at most, but at least
    the longest request that the artifact's server lets in."""
    profile, pool = load_profile(setup.profile), setup.pool_tokens
    step_tokens_max = max(_PREFILL_TOKENS_MIN, pool // 6)
    return profile.model_copy(update={"kv_tokens": pool, "step_tokens_max": step_tokens_max})


def asks_of(sent: Sent) -> Iterator[Ask]:
    """As the artifact's server saw them."""
    rows = zip(sent.sent_s, sent.client, sent.input_tokens, sent.output_tokens, strict=True)
    for number, (sent_s, client, input_tokens, output_tokens) in enumerate(rows):
        yield Ask(
            id=number,
            at_ms=sent_s * 1000,
            tenant=TenantPath((client,)),
            input_tokens=input_tokens + PROMPT_ADDED_TOKENS,
            output_tokens=output_tokens,
        )


def _tenants(sent: Sent, setup: Setup) -> tuple[TenantShare, ...]:
    weights = {str(number): weight for number, weight in enumerate(setup.weights)}
    names = dict.fromkeys(sent.client)
    return tuple(TenantShare(name=name, weight=weights.get(name, 1)) for name in names)
