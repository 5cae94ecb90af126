"""A reasoning request of 28,000 tokens among people who chat."""

from collections.abc import Iterator, Mapping
from functools import partial
from heapq import merge

from evenhand.scheduling import TenantShare
from evenhand.workloads.ask import Ask
from evenhand.workloads.dials import SECONDS_MAX, number, whole
from evenhand.workloads.stories.chats import Chat, chats
from evenhand.workloads.workload import Dial, DialValue, Redrawn, Workload, WorkloadRecipe

REASONER = "reasoner"
_NUMBERS_EACH = 1 << 32
"""Of asks and contents, for each tenant that chats."""


def _thought(values: Mapping[str, DialValue]) -> Iterator[Ask]:
    for n in range(whole(values, "requests")):
        yield Ask(
            id=n,
            at_ms=1000 * number(values, "at_s"),
            tenant=(REASONER,),
            input_tokens=whole(values, "input_tokens"),
            output_tokens=whole(values, "output_tokens"),
            application="reasoning",
        )


def _names(values: Mapping[str, DialValue]) -> list[str]:
    return [f"chat-{n}" for n in range(whole(values, "chats"))]


def _talk(seed: int, values: Mapping[str, DialValue]) -> list[Iterator[Ask]]:
    each = number(values, "chats_per_s") / whole(values, "chats")
    return [
        chats(
            seed,
            Chat(tenant=name, per_second=each),
            seconds=number(values, "seconds"),
            first=(1 + n) * _NUMBERS_EACH,
        )
        for n, name in enumerate(_names(values))
    ]


def _asks(seed: int, values: Mapping[str, DialValue]) -> Iterator[Ask]:
    return merge(_thought(values), *_talk(seed, values), key=lambda ask: ask.at_ms)


def _build(seed: int, values: Mapping[str, DialValue]) -> Workload:
    talk = sum(1 for one in _talk(seed, values) for _ in one)
    return Workload(
        name=REASONING.name,
        tenants=tuple(TenantShare(name=name) for name in (REASONER, *_names(values))),
        asks=Redrawn(partial(_asks, seed, values)),
        size=talk + whole(values, "requests"),
    )


REASONING = WorkloadRecipe(
    name="reasoning",
    summary="one answer of 28,000 tokens among people who chat",
    source="a story told of shared engines (tianpan.co, 2026-04-23: one request of 28,000 tokens stalls"
    " who shares its batch); its other figures are ours",
    build=_build,
    dials=(
        Dial(
            name="seconds",
            meaning="how long people chat",
            default=300.0,
            least=1,
            most=SECONDS_MAX,
        ),
        Dial(name="chats", meaning="tenants that chat", default=10, least=1, most=10_000),
        Dial(
            name="chats_per_s",
            meaning="requests a second of all of them together",
            default=10.0,
            least=0.001,
            most=100_000,
        ),
        Dial(name="at_s", meaning="when the reasoning begins", default=30.0, most=SECONDS_MAX),
        Dial(name="requests", meaning="that reason, all at once", default=1, least=1, most=1e6),
        Dial(name="input_tokens", meaning="of each of them", default=1000, least=1, most=1_000_000),
        Dial(
            name="output_tokens", meaning="of each of them", default=28_000, least=1, most=1_000_000
        ),
    ),
)
