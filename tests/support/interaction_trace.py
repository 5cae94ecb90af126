"""A trace in the shape of FairServe's (arXiv 2411.15997, its published artifact), a tenth of it, made
from seeds; and a run of it against a scheduler in simulated time.

The shape: 13.9 requests a second, of which one user sends a fifth and three others a tenth; interactions
of one to six calls, one after another; lognormal lengths. A client whose call is refused gives its
interaction up.
"""

import random
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from evenhand.model import EngineName, InteractionId, ModelName, Outcome, Request, RequestId, Usage
from evenhand.scheduling import Policy, Scheduler, SchedulerSettings, TenantShare
from evenhand.scheduling.decisions import Refusal

USERS = 136
HEAVY = (2092, 600, 288, 130)
"""Requests of the four heaviest users, of 10,000."""
CALLS = {1: 3616, 2: 357, 3: 438, 4: 653, 5: 89, 6: 37}
"""Interactions by the number of their calls."""
INTERACTIONS_PER_S = 13.9 / 1.67
MODEL = ModelName("m")
WINDOW = 16
THINK_MS = 200


class Call(NamedTuple):
    prompt_tokens: int
    output_tokens: int


class Interaction(NamedTuple):
    at_ms: int
    user: str
    calls: tuple[Call, ...]


def trace(seed: int, seconds: int) -> list[Interaction]:
    """Poisson arrivals of interactions."""
    dice = random.Random(seed)
    users = [f"u{number}" for number in range(USERS)]
    rest = (10_000 - sum(HEAVY)) / (USERS - len(HEAVY))
    weights = [*HEAVY, *[rest] * (USERS - len(HEAVY))]
    lengths, often = zip(*CALLS.items(), strict=True)
    made, at_s = [], 0.0
    while (at_s := at_s + dice.expovariate(INTERACTIONS_PER_S)) < seconds:
        (user,) = dice.choices(users, weights)
        (length,) = dice.choices(lengths, often)
        calls = tuple(a_call(dice) for _ in range(length))
        made.append(Interaction(int(at_s * 1000), user, calls))
    return made


def a_call(dice: random.Random) -> Call:
    prompt = min(int(dice.lognormvariate(8.18, 0.986)), 30_000)
    return Call(prompt, min(1 + int(dice.lognormvariate(3.43, 1.585)), 2_000))


@dataclass
class Told:
    """What became of a trace."""

    interactions: int = 0
    refused_at_start: int = 0
    refused_within: int = 0
    """Interactions of which something had been served already."""
    wasted_tokens: int = 0
    """Of prompts served to interactions that were refused later."""
    requests_served: int = 0
    ended_ms: int = 0
    busy_ms: int = 0
    """Sum over the slots."""
    users_hit: set[str] = field(default_factory=set)

    @property
    def refused(self) -> int:
        return self.refused_at_start + self.refused_within


class TraceRun:
    """One engine with `WINDOW` slots, each of which serves `slot_units_per_s` (a prompt token is one
    unit, an output token twenty)."""

    def __init__(self, policy: Policy, slot_units_per_s: int) -> None:
        tenants = tuple(TenantShare(name=f"u{number}") for number in range(USERS))
        self.core = Scheduler(SchedulerSettings(tenants=tenants, policy=policy))
        self.core.engine_changed(EngineName("e"), window=WINDOW, models=[MODEL])
        self.slot_units_per_s = slot_units_per_s
        self.told = Told()
        self._numbers = count()
        self._events: list[tuple[int, int, str, Interaction, int]] = []
        self._calls: dict[RequestId, tuple[Interaction, int]] = {}

    def run(self, interactions: list[Interaction]) -> Told:
        self.told.interactions = len(interactions)
        for one in interactions:
            self._at(one.at_ms, "call", one, 0)
        while self._events:
            now_ms, number, kind, one, index = heappop(self._events)
            self.told.ended_ms = now_ms
            if kind == "call":
                self._call(number, one, index, now_ms)
            else:
                self._end(RequestId(kind), one, index, now_ms)
            while (started := self.core.next(now_ms)) is not None:
                self._started(started.request.id, now_ms)
            assert not self.core.expire(now_ms)
        return self.told

    def _at(self, at_ms: int, kind: str, one: Interaction, index: int) -> None:
        heappush(self._events, (at_ms, next(self._numbers), kind, one, index))

    def _call(self, number: int, one: Interaction, index: int, now_ms: int) -> None:
        request = Request(
            id=RequestId(f"r{number}"),
            tenant=(one.user,),
            model=MODEL,
            body_bytes=1,
            prompt_tokens=one.calls[index].prompt_tokens,
            output_tokens_max=2_000,
            queue_wait_ms_max=10**9,
            interaction=InteractionId(f"{one.user}-{one.at_ms}"),
        )
        self._calls[request.id] = (one, index)
        if self.core.start_at_once(request, now_ms) is not None:
            self._started(request.id, now_ms)
            return
        submission = self.core.submit(request, now_ms)
        assert not submission.shed
        if submission.refused is not None:
            self._refused(submission.refused, one, index)

    def _refused(self, refusal: Refusal, one: Interaction, index: int) -> None:
        assert refusal.outcome in {Outcome.RATE_LIMITED, Outcome.THROTTLED}
        self.told.users_hit.add(one.user)
        if index == 0:
            self.told.refused_at_start += 1
        else:
            self.told.refused_within += 1
            self.told.wasted_tokens += sum(call.prompt_tokens for call in one.calls[:index])

    def _started(self, request_id: RequestId, now_ms: int) -> None:
        one, index = self._calls[request_id]
        call = one.calls[index]
        units = call.prompt_tokens + 20 * call.output_tokens
        took_ms = 1 + units * 1000 // self.slot_units_per_s
        self.told.busy_ms += took_ms
        self._at(now_ms + took_ms, request_id, one, index)

    def _end(self, request_id: RequestId, one: Interaction, index: int, now_ms: int) -> None:
        del self._calls[request_id]
        call = one.calls[index]
        usage = Usage(call.prompt_tokens, call.output_tokens)
        self.core.settle(request_id, usage, Outcome.COMPLETED, now_ms)
        self.told.requests_served += 1
        if index + 1 < len(one.calls):
            self._at(now_ms + THINK_MS, "call", one, index + 1)
