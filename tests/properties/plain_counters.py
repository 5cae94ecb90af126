"""VTC for one level and one pool in a page, as the paper has it: whose turn it is at every start.

Written from vtc.md alone, in rational numbers, with no heap and no trees. It knows what a request is charged
because nothing is predicted: its prompt at the pick, its answer as it comes, cached input given back at
the end. It follows a core by subclass and fails at the first start that is not the least served tenant's.
"""

import random
from collections import Counter
from fractions import Fraction

from evenhand.model import EngineName, Outcome, Request, RequestId, TenantPath, Usage
from evenhand.scheduling import Scheduler, SchedulerSettings, Settlement, Start, Submission
from support.policies import COST, flat, settings_of
from support.simulated_engines import Client, Job, SimulatedEngines


class Followed(Scheduler):
    """A scheduler with a second pair of books beside it."""

    def __init__(self, settings: SchedulerSettings) -> None:
        super().__init__(settings)
        self._weights = {(share.name,): share.weight for share in settings.tenants}
        self._counters: dict[TenantPath, Fraction] = dict.fromkeys(self._weights, Fraction(0))
        self._queued: Counter[TenantPath] = Counter()
        self._requests: dict[RequestId, Request] = {}
        self._last_left: TenantPath | None = None
        self.starts = 0

    def start_at_once(self, request: Request, now_ms: int) -> EngineName | None:
        engine = super().start_at_once(request, now_ms)
        if engine is not None:
            assert not any(self._queued.values()), "somebody waited for this slot"
            self._requests[request.id] = request
            self._join(request.tenant)
            self._start(request)
        return engine

    def submit(self, request: Request, now_ms: int) -> Submission:
        submission = super().submit(request, now_ms)
        assert submission.refused is None
        self._requests[request.id] = request
        self._join(request.tenant)
        return submission

    def cancel(self, request_id: RequestId, now_ms: int) -> None:
        super().cancel(request_id, now_ms)
        self._leave(self._requests[request_id].tenant)

    def next(self, now_ms: int) -> Start | None:
        start = super().next(now_ms)
        if start is not None:
            turn = self._least()
            assert self._counters[start.request.tenant] == turn, "it was another tenant's turn"
            self._start(start.request)
        return start

    def produced(self, request_id: RequestId, tokens: int, now_ms: int) -> None:
        super().produced(request_id, tokens, now_ms)
        self._charge(self._requests[request_id], tokens * COST.output)

    def settle(
        self, request_id: RequestId, usage: Usage, outcome: Outcome, now_ms: int
    ) -> Settlement:
        settlement = super().settle(request_id, usage, outcome, now_ms)
        refund_units = usage.cached_input_tokens * (COST.input - COST.cached_input)
        self._charge(self._requests.pop(request_id), -refund_units)
        return settlement

    def _join(self, tenant: TenantPath) -> None:
        self._queued[tenant] += 1
        if self._queued[tenant] > 1:
            return
        others = [self._counters[t] for t, queued in self._queued.items() if queued and t != tenant]
        present = min(others, default=Fraction(0))
        if not others and self._last_left is not None:
            present = self._counters[self._last_left]
        self._counters[tenant] = max(self._counters[tenant], present)

    def _leave(self, tenant: TenantPath) -> None:
        self._queued[tenant] -= 1
        if not self._queued[tenant]:
            self._last_left = tenant

    def _least(self) -> Fraction:
        return min(self._counters[tenant] for tenant, queued in self._queued.items() if queued)

    def _start(self, request: Request) -> None:
        self.starts += 1
        self._leave(request.tenant)
        assert request.prompt_tokens is not None
        self._charge(request, request.prompt_tokens * COST.input)

    def _charge(self, request: Request, units: int) -> None:
        self._counters[request.tenant] += Fraction(units, self._weights[request.tenant])


def follow_the_rule(seeds: range, until_us: int = 100_000) -> int:
    """Let a core be followed through odd traffic; how many starts were compared."""
    starts = 0
    for seed in seeds:
        dice = random.Random(seed)
        weights = {name: dice.choice([1, 1, 2, 3]) for name in "abcde"}
        core = Followed(settings_of(flat(**weights), prediction="none"))
        clients = [_client(dice, name, until_us) for name in weights]
        SimulatedEngines(core, clients, {"e1": 2, "e2": 1}, chunk_tokens=7).run(until_us)
        starts += core.starts
    return starts


def _client(dice: random.Random, name: str, until_us: int) -> Client:
    begin_us = dice.randrange(until_us // 2)
    spans = ((0, begin_us // 2), (begin_us, begin_us + until_us // 4), (until_us * 7 // 8, until_us))
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
