"""The seeded workload: who asks what. The same seed asks the same of every arm, in every repetition."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

CHAT = "chat"
"""The tenant whose waiting is looked at: one question at a time, and a while to read the answer."""
FLOOD = "flood"
_WORDS = [
    "time",
    "year",
    "people",
    "way",
    "day",
    "man",
    "thing",
    "woman",
    "life",
    "child",
    "world",
    "school",
    "state",
    "family",
    "student",
    "group",
    "country",
    "problem",
    "hand",
    "part",
    "place",
    "case",
    "week",
    "company",
    "system",
    "program",
    "question",
    "work",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request. `think_s`: how long its client waits before it sends it."""

    tenant: str
    text: str
    output_tokens: int
    think_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Clients of one tenant, each of which asks again when it was answered. Ends are both drawn."""

    tenant: str
    clients: int
    words: tuple[int, int]
    output_tokens: tuple[int, int]
    think_s: tuple[float, float] = (0.0, 0.0)

    def asks(self, client: int, seed: int) -> Iterator[Ask]:
        """What one of them asks, without end."""
        draw = random.Random(f"{self.tenant} {client} {seed}")  # noqa: S311 - a workload, no secret
        while True:
            yield Ask(
                tenant=self.tenant,
                text=" ".join(draw.choices(_WORDS, k=draw.randint(*self.words))),
                output_tokens=draw.randint(*self.output_tokens),
                think_s=draw.uniform(*self.think_s),
            )


VICTIM = Crowd(tenant=CHAT, clients=1, words=(8, 16), output_tokens=(12, 20), think_s=(0.15, 0.45))
NOISE = Crowd(tenant=FLOOD, clients=64, words=(40, 160), output_tokens=(32, 96))
BACKLOGGED = (
    Crowd(tenant="readers", clients=16, words=(60, 100), output_tokens=(6, 10)),
    Crowd(tenant="writers", clients=16, words=(5, 15), output_tokens=(40, 60)),
    Crowd(tenant=FLOOD, clients=32, words=(20, 60), output_tokens=(16, 40)),
)
"""Tenants whose queues are never empty: long prompts, long answers, and many of both."""
TENANTS = (CHAT, *(crowd.tenant for crowd in BACKLOGGED))


def fewer(crowd: Crowd, clients: int) -> Crowd:
    """The same crowd with so many clients."""
    return Crowd(
        tenant=crowd.tenant,
        clients=clients,
        words=crowd.words,
        output_tokens=crowd.output_tokens,
        think_s=crowd.think_s,
    )
