"""Who is in the mix: which tenant is of which kind, how much it asks, in what bursts and lengths."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from evenhand.model import TenantPath
from evenhand.workloads.draws import Floats, stream
from evenhand.workloads.mix import figures
from evenhand.workloads.mix.figures import Lognormal
from evenhand.workloads.renewals import Gaps, gamma_gaps, weibull_gaps

_KINDS = ("chat", "api", "agent", "chat", "api")
"""Of tenants by rank, over and over: chats share system prompts, api jobs share nothing."""


@dataclass(frozen=True, slots=True)
class Clients:
    """Tenants that are no agents, one client each, in columns. `systems`: system prompts, by their
    numbers of contents, and their lengths; none of an api job."""

    tenants: list[TenantPath]
    gaps: list[Gaps]
    input_median: Floats
    input_sigma: Floats
    output_median: Floats
    output_sigma: Floats
    systems: list[list[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Agents:
    """Tenants with agents: `shares` of the agents' calls, and the contents of their system prompts."""

    tenants: list[TenantPath]
    shares: Floats
    systems: list[int]


def population(
    seed: int, *, tenants: int, per_second: float, agents_part: float
) -> tuple[Clients, Agents]:
    """`per_second` of all requests, of which agents send a part. Whose rank is first asks most."""
    rates = np.exp(figures.RATE_SIGMA * -_normal_quantiles(tenants))
    kinds = [_KINDS[rank % len(_KINDS)] for rank in range(tenants)]
    if agents_part == 0:
        kinds = ["api" if kind == "agent" else kind for kind in kinds]
    is_agent = np.array([kind == "agent" for kind in kinds])
    width = len(str(tenants))
    paths = [(f"{kind}-{rank:0{width}}",) for rank, kind in enumerate(kinds, start=1)]
    others = np.flatnonzero(~is_agent)
    total = per_second * (1 - agents_part) if is_agent.any() else per_second
    asked = total * rates[others] / rates[others].sum()
    clients = _clients(seed, [paths[n] for n in others], asked, others.tolist())
    ranks = np.flatnonzero(is_agent)
    shares = rates[ranks] / rates[ranks].sum() if len(ranks) else np.empty(0)
    return clients, Agents([paths[n] for n in ranks], shares, [_content(n) for n in ranks.tolist()])


def _clients(seed: int, tenants: list[TenantPath], per_second: Floats, ranks: list[int]) -> Clients:
    rng = stream(seed, "mix", "clients")
    count = len(tenants)
    cv = np.clip(_spread(rng, figures.CV, count), figures.CV_LEAST, figures.CV_MOST)
    is_gamma = rng.random(count) < figures.GAMMA_SHARE
    gaps = [
        (gamma_gaps if gamma else weibull_gaps)(per_second=rate, cv=burst)
        for rate, burst, gamma in zip(
            per_second.tolist(), cv.tolist(), is_gamma.tolist(), strict=True
        )
    ]
    input_median = _spread(rng, figures.INPUT_MEDIAN, count)
    systems: list[list[tuple[int, int]]] = []
    for tenant, rank, median in zip(tenants, ranks, input_median.tolist(), strict=True):
        prompts = int(rng.integers(1, figures.SYSTEM_PROMPTS_MAX + 1))
        lengths = figures.SYSTEM_PART * median * rng.uniform(0.5, 1.5, prompts)
        own = [(_content(rank) + n, max(1, int(tokens))) for n, tokens in enumerate(lengths)]
        systems.append(own if tenant[0].startswith("chat") else [])
    return Clients(
        tenants,
        gaps,
        input_median,
        np.minimum(_spread(rng, figures.INPUT_SIGMA, count), figures.SIGMA_MOST),
        _spread(rng, figures.OUTPUT_MEDIAN, count),
        np.minimum(_spread(rng, figures.OUTPUT_SIGMA, count), figures.SIGMA_MOST),
        systems,
    )


def _content(rank: int) -> int:
    """The first of the contents that are a tenant's system prompts."""
    return 1 + rank * figures.SYSTEM_PROMPTS_MAX


def _spread(rng: np.random.Generator, over: Lognormal, count: int) -> Floats:
    """One value for each client: the quantiles of the distribution, dealt out at random."""
    return over.median * np.exp(over.sigma * rng.permutation(_normal_quantiles(count)))


def _normal_quantiles(count: int) -> Floats:
    """Evenly spaced in probability, rising."""
    quantile = NormalDist().inv_cdf
    return np.array([quantile((n + 0.5) / count) for n in range(count)])
