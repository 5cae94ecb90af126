"""Two users of two applications: one whose actions take four larger calls, one whose take one small."""

from collections.abc import Iterator, Mapping
from functools import partial
from heapq import merge

from evenhand.scheduling import TenantShare
from evenhand.workloads.ask import Ask
from evenhand.workloads.dials import number, whole, word
from evenhand.workloads.draws import moments_ms, stream
from evenhand.workloads.fairserve.interactions import (
    LOOP,
    THINK_MS,
    Call,
    Interaction,
    asks_in_order,
)
from evenhand.workloads.workload import Dial, DialValue, Redrawn, Workload, WorkloadRecipe

_LENGTHS = {1: (200, 100, 100), 2: (50, 50, 50)}
"""Input, of which system, and output."""

_EXPECTED_UNITS = {"app-1": 200 + 200 + 2 * 200, "app-2": 50 + 50 + 2 * 50}
"""Input, system and twice the output that the artifact tells its scheduler to expect."""


def _calls(values: Mapping[str, DialValue], user: int) -> list[int]:
    """Of each interaction; the last one makes up the number of requests."""
    requests, each = whole(values, "requests"), whole(values, f"calls_{user}")
    full, rest = divmod(requests, each)
    return [each] * full + ([rest] if rest else [])


def _interactions(seed: int, values: Mapping[str, DialValue], user: int) -> Iterator[Interaction]:
    input_tokens, system_tokens, output_tokens = _LENGTHS[user]
    calls = _calls(values, user)
    per_second = number(values, f"rate_{user}") / whole(values, f"calls_{user}")
    rng = stream(seed, "pair", user)
    moments = moments_ms(rng, per_second=per_second, cv=1, count=len(calls)).tolist()
    for n, (at_ms, count) in enumerate(zip(moments, calls, strict=True)):
        gaps = (number(values, "think_ms") * rng.standard_exponential(count)).tolist()
        yield Interaction(
            name=f"user-{user}/{n}",
            at_ms=at_ms,
            tenant=f"user-{user}",
            application=f"app-{user}",
            calls=tuple(
                Call(input_tokens, output_tokens, gap_ms if index else 0.0)
                for index, gap_ms in enumerate(gaps)
            ),
            system_tokens=system_tokens,
            system_content=user,
        )


def _asks(seed: int, values: Mapping[str, DialValue]) -> Iterator[Ask]:
    users = [_interactions(seed, values, user) for user in (1, 2)]
    in_order = merge(*users, key=lambda interaction: interaction.at_ms)
    return asks_in_order(in_order, loop=word(values, "loop"), first_content=3)


def _build(seed: int, values: Mapping[str, DialValue]) -> Workload:
    return Workload(
        name=PAIR.name,
        tenants=(TenantShare(name="user-1"), TenantShare(name="user-2")),
        asks=Redrawn(partial(_asks, seed, values)),
        size=2 * whole(values, "requests"),
        application_units=_EXPECTED_UNITS,
    )


def _rate(user: int, default: float) -> Dial:
    return Dial(
        name=f"rate_{user}",
        meaning=f"requests a second of user {user}; the artifact has 16 and 8, and 3 and 3",
        default=default,
        least=0.001,
        most=1e6,
    )


def _calls_dial(user: int, default: int) -> Dial:
    return Dial(
        name=f"calls_{user}",
        meaning=f"of an interaction of user {user}",
        default=default,
        least=1,
        most=10_000,
    )


PAIR = WorkloadRecipe(
    name="fairserve/pair",
    summary="two users: 200 tokens in, 100 out, four calls an action; and 50 in, 50 out, one call",
    source="artifact of arXiv 2411.15997, its test of the fairness objective; Poisson arrivals and"
    " thinking ours",
    build=_build,
    dials=(
        Dial(name="requests", meaning="of each user", default=1000, least=1, most=1e7),
        _rate(1, 16.0),
        _rate(2, 8.0),
        _calls_dial(1, 4),
        _calls_dial(2, 1),
        LOOP,
        THINK_MS,
    ),
)
