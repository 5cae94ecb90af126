"""Interactions: the chain of calls that a user's action takes, written down as asks."""

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import NamedTuple

from evenhand.workloads.ask import Ask, Segment
from evenhand.workloads.workload import Dial

CLOSED = "closed"
OPEN = "open"

LOOP = Dial(
    name="loop",
    meaning="closed: a call comes after the answer to the one before; open: whatever became of that",
    default=CLOSED,
    words=(CLOSED, OPEN),
)
THINK_MS = Dial(
    name="think_ms",
    meaning="mean time from an answer (open: from a call) to the next call of its interaction",
    default=500.0,
    most=1e8,
)


class Call(NamedTuple):
    """`gap_ms` after the answer to the one before, or after that call itself. Of the first: 0."""

    input_tokens: int
    output_tokens: int
    gap_ms: float


class Interaction(NamedTuple):
    """One action of a user. `system_tokens` begin every prompt of the application, the number of whose
    text is `system_content`."""

    name: str
    at_ms: float
    tenant: str
    application: str
    calls: tuple[Call, ...]
    system_tokens: int = 0
    system_content: int = 0


def asks_in_order(
    interactions: Iterable[Interaction], *, loop: str, first_content: int
) -> Iterator[Ask]:
    """All calls as asks, their own texts being contents from `first_content` on."""
    if loop == CLOSED:
        yield from _closed(interactions, first_content)
    else:
        yield from _open(interactions, first_content)


def _closed(interactions: Iterable[Interaction], first_content: int) -> Iterator[Ask]:
    number = 0
    for interaction in interactions:
        last = len(interaction.calls) - 1
        for index, call in enumerate(interaction.calls):
            ask = _ask(number, interaction, index, interaction.at_ms, first_content)
            if index:
                ask.after, ask.think_ms = (number - 1,), call.gap_ms
            ask.is_awaited = index < last
            number += 1
            yield ask


def _open(interactions: Iterable[Interaction], first_content: int) -> Iterator[Ask]:
    """Bounded by the calls to come of interactions that have begun."""
    number = 0
    waiting: list[tuple[float, int, Interaction, int]] = []
    for order, interaction in enumerate(interactions):
        while waiting and waiting[0][0] <= interaction.at_ms:
            at_ms, _, earlier, index = heappop(waiting)
            yield _ask(number, earlier, index, at_ms, first_content)
            number += 1
        at_ms = interaction.at_ms
        for index, call in enumerate(interaction.calls):
            at_ms += call.gap_ms
            heappush(waiting, (at_ms, order, interaction, index))
    while waiting:
        at_ms, _, earlier, index = heappop(waiting)
        yield _ask(number, earlier, index, at_ms, first_content)
        number += 1


def _ask(
    number: int, interaction: Interaction, index: int, at_ms: float, first_content: int
) -> Ask:
    call = interaction.calls[index]
    system = min(interaction.system_tokens, call.input_tokens)
    prompt: tuple[Segment, ...] = ()
    if system:
        own = call.input_tokens - system
        prompt = (Segment(interaction.system_content, system),)
        prompt += (Segment(first_content + number, own),) if own else ()
    total = len(interaction.calls)
    return Ask(
        id=number,
        at_ms=at_ms,
        tenant=(interaction.tenant,),
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        prompt=prompt,
        application=interaction.application,
        system_tokens=system,
        interaction=interaction.name if total > 1 else "",
        call_index=index,
        calls_total=total,
    )
