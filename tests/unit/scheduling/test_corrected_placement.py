"""Beliefs that are corrected keep more prompts warm: four engines whose caches hold a third of what is
asked about, in virtual time.
"""

import heapq
import itertools
import random
from collections import Counter, OrderedDict

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, TrustDomain, Usage
from evenhand.scheduling import Scheduler, SchedulerSettings, TenantShare, compose

ENGINES = [EngineName(f"e{number}") for number in range(4)]
OPEN = {"noisy": 24, "ada": 6, "bea": 6, "cleo": 6}
DOCUMENTS, CACHED_DOCUMENTS, WINDOW = 6, 8, 4
TOKENS, QUESTION_TOKENS = 1_250, 30
BYTES = 4 * TOKENS


class Fleet:
    """Closed loops of four tenants on four engines. `reports`: engines say of each prompt how much was
    cached. `tells_size`: and how much they hold at all."""

    def __init__(self, *, reports: bool, tells_size: bool) -> None:
        self.dice = random.Random(1)
        self.reports = reports
        self.scheduler = Scheduler(
            SchedulerSettings(
                tenants=tuple(TenantShare(name=name) for name in OPEN), policy=compose("d2lpm")
            )
        )
        for engine in ENGINES:
            self.scheduler.engine_changed(engine, window=WINDOW, models=[ModelName("m")])
            if tells_size:
                self.scheduler.cache_sized(engine, CACHED_DOCUMENTS * TOKENS, 16)
        self.texts = {name: [self.dice.randbytes(BYTES) for _ in range(DOCUMENTS)] for name in OPEN}
        self.caches: dict[EngineName, OrderedDict[bytes, None]] = {
            e: OrderedDict() for e in ENGINES
        }
        self.free_ms = Counter[EngineName]()
        self.running: list[tuple[int, int, Request, int]] = []
        self.order = itertools.count()
        self.now_ms = 0

    def run(self, requests: int = 1_200) -> float:
        """Of the tokens asked in the later half, how many were cached."""
        for name, count in OPEN.items():
            for _ in range(count):
                self.ask(name)
        self.start()
        shares = [self.end_one() for _ in range(requests)]
        return sum(shares[requests // 2 :]) / (requests - requests // 2)

    def ask(self, name: str) -> None:
        document = self.dice.choice(self.texts[name])
        request = Request(
            id=RequestId(f"r{next(self.order)}"),
            tenant=(name,),
            model=ModelName("m"),
            body_bytes=1,
            prompt_bytes=BYTES,
            output_tokens_max=16,
            queue_wait_ms_max=10**9,
            prefix=document + self.dice.randbytes(4 * QUESTION_TOKENS),
            trust_domain=TrustDomain("house"),
        )
        assert self.scheduler.submit(request, self.now_ms).refused is None

    def start(self) -> None:
        while (started := self.scheduler.next(self.now_ms)) is not None:
            engine, request = started.engine, started.request
            cache, document = self.caches[engine], request.prefix[:BYTES]
            cached = TOKENS if document in cache else 0
            cache[document] = None
            cache.move_to_end(document)
            while len(cache) > CACHED_DOCUMENTS:
                cache.popitem(last=False)
            computed_ms = (TOKENS + QUESTION_TOKENS - cached) // 8
            self.free_ms[engine] = max(self.free_ms[engine], self.now_ms) + computed_ms
            ends_ms = self.free_ms[engine] + 64
            heapq.heappush(self.running, (ends_ms, next(self.order), request, cached))

    def end_one(self) -> float:
        """How much of its prompt was cached."""
        self.now_ms, _, request, cached = heapq.heappop(self.running)
        tokens = TOKENS + QUESTION_TOKENS
        if self.reports:
            self.scheduler.prompt_counted(request.id, tokens, cached, self.now_ms)
        usage = Usage(tokens, 16, cached)
        self.scheduler.settle(request.id, usage, Outcome.COMPLETED, self.now_ms)
        self.ask(request.tenant[0])
        self.start()
        return cached / tokens


def test_each_source_of_truth_keeps_more_prompts_warm() -> None:
    nothing = Fleet(reports=False, tells_size=False).run()
    usage = Fleet(reports=True, tells_size=False).run()
    both = Fleet(reports=True, tells_size=True).run()
    print(f"cached: {nothing:.2f} by what was sent, {usage:.2f} by usage, {both:.2f} by size too")
    assert both > nothing + 0.1
    assert usage > nothing - 0.02
