"""VTC for one level and one pool in a page, as the paper has it: whose turn it is at every start.

Written from vtc.md alone, in rational numbers, with no heap and no trees. It knows what a request is
charged because nothing is predicted: its prompt at the pick, its answer as it comes, cached input
given back at the end. It follows a core by subclass and fails at the first start that is not the least
served tenant's.
"""

import random
from collections import Counter
from fractions import Fraction

from evenhand.model import EngineName, Outcome, Request, RequestId, TenantPath, Usage
from evenhand.scheduling import Scheduler, SchedulerSettings, Settlement, Start, Submission
from support.policies import COST, flat, settings_of
from support.simulated_engines import Client, Job, SimulatedEngines


class PlainCounters:
    """Counters and queue lengths, by tenant."""

    def __init__(self, weights: dict[TenantPath, int]) -> None:
        self._weights = weights
        self._counters = dict.fromkeys(weights, Fraction(0))
        self._queued: Counter[TenantPath] = Counter()
        self._last_left: TenantPath | None = None

    def joins(self, tenant: TenantPath) -> None:
        """Lifted to the least of those who wait; if none do, to the last that ceased to."""
        self._queued[tenant] += 1
        if self._queued[tenant] > 1:
            return
        others = [self._counters[t] for t, queued in self._queued.items() if queued and t != tenant]
        present = min(others, default=Fraction(0))
        if not others and self._last_left is not None:
            present = self._counters[self._last_left]
        self._counters[tenant] = max(self._counters[tenant], present)

    def leaves(self, tenant: TenantPath) -> None:
        self._queued[tenant] -= 1
        if not self._queued[tenant]:
            self._last_left = tenant

    def charge(self, tenant: TenantPath, units: int) -> None:
        self._counters[tenant] += Fraction(units, self._weights[tenant])

    def it_is_the_turn_of(self, tenant: TenantPath) -> bool:
        waiting = (self._counters[t] for t, queued in self._queued.items() if queued)
        return self._counters[tenant] == min(waiting)


class Followed(Scheduler):
    """A scheduler with a second pair of books beside it."""

    def __init__(self, settings: SchedulerSettings) -> None:
        super().__init__(settings)
        self.books = PlainCounters({(share.name,): share.weight for share in settings.tenants})
        self.known: dict[RequestId, Request] = {}
        self.starts = 0

    def start_at_once(self, request: Request, now_ms: int) -> EngineName | None:
        engine = super().start_at_once(request, now_ms)
        if engine is not None:
            self._comes(request)
            self._starts(request)
        return engine

    def submit(self, request: Request, now_ms: int) -> Submission:
        submission = super().submit(request, now_ms)
        assert submission.refused is None
        self._comes(request)
        return submission

    def cancel(self, request_id: RequestId, now_ms: int) -> None:
        super().cancel(request_id, now_ms)
        self.books.leaves(self.known.pop(request_id).tenant)

    def next(self, now_ms: int) -> Start | None:
        start = super().next(now_ms)
        if start is not None:
            self._starts(start.request)
        return start

    def produced(self, request_id: RequestId, tokens: int, now_ms: int) -> None:
        super().produced(request_id, tokens, now_ms)
        self.books.charge(self.known[request_id].tenant, tokens * COST.output)

    def settle(
        self, request_id: RequestId, usage: Usage, outcome: Outcome, now_ms: int
    ) -> Settlement:
        refund_units = usage.cached_input_tokens * (COST.input - COST.cached_input)
        self.books.charge(self.known.pop(request_id).tenant, -refund_units)
        return super().settle(request_id, usage, outcome, now_ms)

    def _comes(self, request: Request) -> None:
        self.known[request.id] = request
        self.books.joins(request.tenant)

    def _starts(self, request: Request) -> None:
        self.starts += 1
        assert self.books.it_is_the_turn_of(request.tenant), "it was another tenant's turn"
        self.books.leaves(request.tenant)
        assert request.prompt_tokens is not None
        self.books.charge(request.tenant, request.prompt_tokens * COST.input)


def follow_the_rule(seeds: range, until_us: int = 100_000) -> int:
    """Let a core be followed through odd traffic; how many starts were compared."""
    starts = 0
    for seed in seeds:
        dice = random.Random(seed)
        weights = {name: dice.choice([1, 1, 2, 3]) for name in "abcde"}
        core = Followed(settings_of(flat(**weights), parts={"prediction": "none"}))
        clients = [_client(dice, name, until_us) for name in weights]
        SimulatedEngines(core, clients, {"e1": 2, "e2": 1}, chunk_tokens=7).run(until_us)
        starts += core.starts
    return starts


def _client(dice: random.Random, name: str, until_us: int) -> Client:
    begin_us = dice.randrange(until_us // 2)
    spans = (
        (0, begin_us // 2),
        (begin_us, begin_us + until_us // 4),
        (until_us * 7 // 8, until_us),
    )
    return Client(
        tenant=(name,),
        jobs=iter(lambda: _job(dice), None),
        in_flight=dice.choice([1, 2, 6]),
        on_us=spans,
        patience_us=dice.choice([None, 2_000]),
        retry_us=dice.choice([10, 1_000]),
    )


def _job(dice: random.Random) -> Job:
    prompt = dice.choice([1, 40])
    leaves_at = dice.choice([3, 10**6, 10**6])
    return Job(prompt, dice.choice([0, 1, 30]), dice.choice([0, prompt]), leaves_at=leaves_at)
