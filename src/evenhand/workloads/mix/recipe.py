"""The mix by name, with its dials."""

from collections.abc import Mapping

from evenhand.scheduling import TenantShare
from evenhand.workloads.dials import number, whole
from evenhand.workloads.mix.agents import THINK, AgentDials
from evenhand.workloads.mix.asks import Mix
from evenhand.workloads.mix.clients import population
from evenhand.workloads.mix.day import DAY_S
from evenhand.workloads.workload import Dial, DialValue, Redrawn, Workload, WorkloadRecipe

_AGENTS_MAX = 200_000


def _build(seed: int, values: Mapping[str, DialValue]) -> Workload:
    requests, tenants = whole(values, "requests"), whole(values, "tenants")
    per_second = _per_second(values)
    clients, agents = population(
        seed, tenants=tenants, per_second=per_second, agents_part=number(values, "agents")
    )
    agents_per_second = per_second * number(values, "agents") if agents.tenants else 0.0
    if agents_per_second * THINK.mean_s > _AGENTS_MAX:
        raise ValueError(
            f"{agents_per_second:,.0f} calls of agents in a second, who think for {THINK.mean_s:.0f}"
            f" s, are more than {_AGENTS_MAX:,} agents: lower the rate, the load, or agents"
        )
    mix = Mix(
        seed=seed,
        requests=requests,
        clients=clients,
        agents=agents,
        agent_dials=AgentDials(
            per_second=agents_per_second,
            input_mean=whole(values, "agent_tokens"),
            context_max=whole(values, "context_max"),
        ),
        per_second=per_second - agents_per_second,
        context_max=whole(values, "context_max"),
        is_day=bool(values["day"]),
    )
    paths = sorted((*clients.tenants, *agents.tenants), key=lambda path: path[0].split("-")[1])
    return Workload(
        name="mix",
        tenants=tuple(TenantShare(name=name) for (name,) in paths),
        asks=Redrawn(mix.asks),
        size=requests,
    )


def _per_second(values: Mapping[str, DialValue]) -> float:
    """A day has its requests in a day; else `load` counts where it is set, else `rate`."""
    if values["day"]:
        return whole(values, "requests") / DAY_S
    load, capacity = number(values, "load"), number(values, "capacity_rps")
    if not load:
        return number(values, "rate")
    if not capacity:
        raise ValueError(
            f"load={load:g}: of what is known once there are engines; set capacity_rps to the requests"
            " that they can answer in a second, or rate instead of load"
        )
    return load * capacity


MIX = WorkloadRecipe(
    name="mix",
    summary="many tenants: bursty chats with shared system prompts, api jobs, coding agents",
    source="drawn from what was measured of ServeGen's clients (rates, bursts, lengths), Claude Code"
    " (sessions of agents) and Mooncake (shared prompts); which parts they have of the whole is ours",
    build=_build,
    dials=(
        Dial(name="requests", meaning="how many in all", default=20_000, least=1),
        Dial(name="tenants", meaning="how many", default=100, least=1, most=100_000),
        Dial(name="rate", meaning="requests in a second", default=10.0, least=1e-4, most=1e5),
        Dial(
            name="load",
            meaning="instead of `rate`: work offered over what the run's engines can do, prompts seen"
            " before not counted; 0: `rate` counts",
            default=0.0,
            most=100,
        ),
        Dial(
            name="capacity_rps",
            meaning="requests in a second that the engines can answer; a simulation sets it",
            default=0.0,
            most=1e6,
        ),
        Dial(
            name="day",
            meaning="1: spread all over 24 hours, more by day than by night; load and rate are void",
            default=0,
            most=1,
        ),
        Dial(
            name="agents",
            meaning="part of requests that agents send, if there are three tenants",
            default=0.05,
            most=0.9,
        ),
        Dial(
            name="agent_tokens",
            meaning="mean prompt of an agent before context_max cuts it; measured: 122,000",
            default=16_000,
            least=256,
            most=1_000_000,
        ),
        Dial(
            name="context_max",
            meaning="longest prompt and answer together, in tokens",
            default=24_576,
            least=256,
            most=10_000_000,
        ),
    ),
)
