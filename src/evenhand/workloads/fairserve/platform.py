"""A platform of many applications and users, drawn from figures of the FairServe artifact's trace."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from evenhand.scheduling import TenantShare
from evenhand.workloads.ask import Ask
from evenhand.workloads.dials import SECONDS_MAX, number, whole, word
from evenhand.workloads.draws import Floats, moments_ms, stream
from evenhand.workloads.fairserve.applications import (
    APPLICATIONS,
    CALLS_MAX,
    INPUT_SIGMA,
    MEASURED_REQUESTS,
    MEASURED_SECONDS,
    MEASURED_USERS,
    OUTPUT_SIGMA,
    belongs_to_heaviest,
    user_weights,
)
from evenhand.workloads.fairserve.interactions import (
    LOOP,
    THINK_MS,
    Call,
    Interaction,
    asks_in_order,
)
from evenhand.workloads.workload import Dial, DialValue, Redrawn, Workload, WorkloadRecipe

Wholes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Columns of interactions, and of their calls, one after another."""

    at_ms: Floats
    application: Wholes
    user: Wholes
    calls: Wholes
    input_tokens: Wholes
    output_tokens: Wholes
    gap_ms: Floats
    is_kept: NDArray[np.bool_]


def _draw(seed: int, values: Mapping[str, DialValue]) -> _Drawn:
    requests = whole(values, "requests")
    application, calls = _interactions(seed, requests)
    user = _users(seed, application, whole(values, "users"))
    per_second = number(values, "load") * len(calls) / number(values, "seconds")
    moments = moments_ms(stream(seed, "moments"), per_second=per_second, cv=1, count=len(calls))
    inputs, outputs = _lengths(seed, application.repeat(calls), whole(values, "divide"))
    most = whole(values, "tokens_max")
    think_ms = number(values, "think_ms")
    return _Drawn(
        at_ms=moments,
        application=application,
        user=user,
        calls=calls,
        input_tokens=inputs,
        output_tokens=outputs,
        gap_ms=think_ms * stream(seed, "thinking").standard_exponential(requests),
        is_kept=inputs + outputs < most if most else np.ones(requests, dtype=np.bool_),
    )


def _interactions(seed: int, requests: int) -> tuple[Wholes, Wholes]:
    """Whose application and how many calls, until there are so many calls; the last one is cut."""
    rng = stream(seed, "interactions")
    parts = np.array([float(a.interactions) for a in APPLICATIONS])
    ends = np.array([1 / a.calls for a in APPLICATIONS])
    applications: list[Wholes] = []
    counts: list[Wholes] = []
    drawn = 0
    while drawn < requests:
        some = rng.choice(len(parts), requests, p=parts / parts.sum())
        calls = np.minimum(rng.geometric(ends[some]), CALLS_MAX)
        applications.append(some)
        counts.append(calls)
        drawn += int(calls.sum())
    application, calls = np.concatenate(applications), np.concatenate(counts)
    last = int(np.searchsorted(np.cumsum(calls), requests))
    application, calls = application[: last + 1], calls[: last + 1]
    calls[last] -= int(calls.sum()) - requests
    return application, calls


def _users(seed: int, application: Wholes, users: int) -> Wholes:
    """Whose interaction each is: every user gets its part of them, rounded up or down, in any order."""
    rng = stream(seed, "users")
    user = np.zeros(len(application), dtype=np.int64)
    is_shared = ~np.array([belongs_to_heaviest(a) for a in APPLICATIONS])[application]
    count = int(is_shared.sum())
    marks = (np.arange(count) + rng.random()) / count if count else np.empty(0)
    ends = np.cumsum(user_weights(users))
    owners = np.minimum(np.searchsorted(ends, marks, side="right"), users - 1)
    user[is_shared] = rng.permutation(owners)
    return user


def _lengths(seed: int, application: Wholes, divide: int) -> tuple[Wholes, Wholes]:
    """Of calls, lognormal around the mean of their application, divided and rounded up."""
    rng = stream(seed, "lengths")

    def drawn(means: list[int], sigma: float) -> Wholes:
        centres = np.log(np.array(means, dtype=np.float64)) - sigma * sigma / 2
        tokens = rng.lognormal(centres[application], sigma)
        return np.maximum(1, np.ceil(tokens / divide)).astype(np.int64)

    inputs = drawn([a.input_tokens for a in APPLICATIONS], INPUT_SIGMA)
    return inputs, drawn([a.output_tokens for a in APPLICATIONS], OUTPUT_SIGMA)


def _kept(drawn: _Drawn, system_tokens: int) -> Iterator[Interaction]:
    ends = np.cumsum(drawn.calls).tolist()
    begin = 0
    for n, end in enumerate(ends):
        calls = tuple(
            Call(int(drawn.input_tokens[i]), int(drawn.output_tokens[i]), float(drawn.gap_ms[i]))
            for i in range(begin, end)
            if drawn.is_kept[i]
        )
        begin = end
        if calls:
            application = int(drawn.application[n])
            yield Interaction(
                name=f"i{n}",
                at_ms=float(drawn.at_ms[n]),
                tenant=_user_name(int(drawn.user[n])),
                application=APPLICATIONS[application].name,
                calls=(calls[0]._replace(gap_ms=0.0), *calls[1:]),
                system_tokens=system_tokens,
                system_content=1 + application,
            )


def _user_name(user: int) -> str:
    return f"user-{user:04}"


def _asks(drawn: _Drawn, values: Mapping[str, DialValue]) -> Iterator[Ask]:
    return asks_in_order(
        _kept(drawn, whole(values, "system_tokens")),
        loop=word(values, "loop"),
        first_content=1 + len(APPLICATIONS),
    )


def _build(seed: int, values: Mapping[str, DialValue]) -> Workload:
    drawn = _draw(seed, values)
    divide = whole(values, "divide")
    return Workload(
        name=PLATFORM.name,
        tenants=tuple(TenantShare(name=_user_name(user)) for user in range(whole(values, "users"))),
        asks=Redrawn(partial(_asks, drawn, values)),
        size=int(drawn.is_kept.sum()),
        application_units={
            a.name: max(1, (a.expected_input_tokens + 2 * a.expected_output_tokens) // divide)
            for a in APPLICATIONS
        },
    )


PLATFORM = WorkloadRecipe(
    name="fairserve/platform",
    summary="22 applications, 1,358 users, actions of one call or a chain of them; far too much at once",
    source="artifact of arXiv 2411.15997: means of each application and shares of the users of its"
    " trace; chain lengths geometric, thinking ours",
    build=_build,
    dials=(
        Dial(
            name="requests",
            meaning="calls that are drawn, before long ones are dropped",
            default=MEASURED_REQUESTS,
            least=1,
            most=20_000_000,
        ),
        Dial(
            name="seconds",
            meaning="in which interactions begin, at load 1",
            default=float(MEASURED_SECONDS),
            least=0.001,
            most=SECONDS_MAX,
        ),
        Dial(
            name="load",
            meaning="how many times as fast interactions begin",
            default=1.0,
            least=0.0001,
            most=10_000,
        ),
        Dial(name="users", meaning="how many there are", default=MEASURED_USERS, least=1, most=1e6),
        Dial(
            name="divide",
            meaning="lengths and expectations are divided by it; the artifact divides lengths alone",
            default=8,
            least=1,
            most=1000,
        ),
        Dial(
            name="tokens_max",
            meaning="calls with so many tokens or more, both ways together, are dropped; 0: none",
            default=2000,
        ),
        Dial(
            name="system_tokens",
            meaning="that begin every prompt of an application; none in the trace",
            default=0,
            most=1_000_000,
        ),
        LOOP,
        THINK_MS,
    ),
)
