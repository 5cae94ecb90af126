"""Programs: what a client starts, and the calls that each consists of.

Programs of every client start by a Gamma process of its own. With a misbehaving pattern it is client 0
that misbehaves; what the others do, and when, does not change by that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from evenhand.scheduling import TenantShare
from evenhand.workloads.ask import Ask, Segment
from evenhand.workloads.dials import number, whole, word
from evenhand.workloads.draws import moments_ms, stream
from evenhand.workloads.workload import Dial, DialValue

MORE_REQUESTS = "s1"
LONGER_PREFIX = "s2"

Prompt = tuple[Segment, ...]

CV = Dial(
    name="cv",
    meaning="deviation over mean of the gaps between programs: 1 Poisson, more bursts",
    default=1.0,
    least=0.05,
    most=20,
)


def pattern_dial(more: str, longer: str, *, default: str = MORE_REQUESTS) -> Dial:
    """How client 0 misbehaves, in words for both patterns."""
    return Dial(
        name="pattern",
        meaning=f"client 0 misbehaves: s1 {more}, s2 {longer}, none not at all",
        default=default,
        words=(MORE_REQUESTS, LONGER_PREFIX, "none"),
    )


def clients_dial(default: int) -> Dial:
    """How many clients."""
    return Dial(name="clients", meaning="how many clients", default=default, least=1, most=1000)


def programs_dial(default: int, what: str) -> Dial:
    """How many programs each client starts."""
    return Dial(
        name="programs", meaning=f"{what} of each client", default=default, least=1, most=1e7
    )


def rate_dial(default: float, what: str) -> Dial:
    """How fast each client starts them."""
    meaning = f"{what} a second of each client; the paper scales it with the number of GPUs"
    return Dial(name="rate", meaning=meaning, default=default, least=1e-5, most=1e5)


def misbehaves(values: Mapping[str, DialValue], client: int, pattern: str) -> bool:
    """Whether a client does what this pattern is about."""
    return client == 0 and word(values, "pattern") == pattern


@dataclass(frozen=True, slots=True)
class Start:
    """A program of a client, its number counted from 0."""

    client: int
    number: int
    at_ms: float

    @property
    def tenant(self) -> str:
        """Whose it is."""
        return client_name(self.client)

    @property
    def interaction(self) -> str:
        """What its calls are known by together."""
        return f"{self.tenant}/{self.number}"


def client_name(client: int) -> str:
    """The tenant of that client."""
    return f"client-{client}"


def equal_tenants(clients: int) -> tuple[TenantShare, ...]:
    """Clients of equal weight, side by side."""
    return tuple(TenantShare(name=client_name(client)) for client in range(clients))


def starts(
    seed: int, values: Mapping[str, DialValue], factors: Sequence[float] | None = None
) -> list[Start]:
    """Programs of all clients in order of time. `factors`: a client starts so many times as many
    programs, so many times as fast."""
    all_starts = []
    for client in range(whole(values, "clients")):
        factor = 1.0 if factors is None else factors[client]
        moments = moments_ms(
            stream(seed, "programs", client),
            per_second=factor * number(values, "rate"),
            cv=number(values, "cv"),
            count=max(1, round(factor * whole(values, "programs"))),
        )
        all_starts += [Start(client, n, at_ms) for n, at_ms in enumerate(moments.tolist())]
    return sorted(all_starts, key=lambda start: (start.at_ms, start.client))


class Numbers:
    """Fresh numbers of asks and of contents, for a whole workload."""

    def __init__(self) -> None:
        self._asks = count()
        self._contents = count(1)

    def ask(self) -> int:
        """Of the next ask."""
        return next(self._asks)

    def text(self, tokens: int) -> Segment:
        """A text like no other."""
        return Segment(next(self._contents), tokens)


class Calls:
    """Writes down the calls of one program."""

    def __init__(self, start: Start, numbers: Numbers, *, application: str, total: int) -> None:
        self._start = start
        self._numbers = numbers
        self._application = application
        self._total = total
        self._index = count()

    def call(
        self,
        prompt: Prompt,
        answer: Segment,
        *,
        after: tuple[int, ...] = (),
        think_ms: float = 0,
        is_awaited: bool = False,
    ) -> Ask:
        """The next call; its prompt repeats contents that others have, `answer` is what comes back."""
        return Ask(
            id=self._numbers.ask(),
            at_ms=self._start.at_ms,
            tenant=(self._start.tenant,),
            input_tokens=sum(segment.tokens for segment in prompt),
            output_tokens=answer.tokens,
            after=after,
            think_ms=think_ms,
            is_awaited=is_awaited,
            prompt=prompt,
            output_content=answer.content,
            application=self._application,
            interaction=self._start.interaction if self._total > 1 else "",
            call_index=next(self._index),
            calls_total=self._total,
        )


def near(rng: np.random.Generator, mean: float, spread: float) -> int:
    """A length around a mean; `spread` is the deviation as a part of it, three of them at most."""
    deviation = float(np.clip(rng.standard_normal(), -3, 3))
    return max(1, round(mean * (1 + spread * deviation)))
