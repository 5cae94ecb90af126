"""A state database as real traffic leaves it, from a seed: books and file are the real ones.

Tenants below one another, several currencies and price changes, cached input, reasoning, the time of
GPUs, excesses, voids, what a killed gateway left, and a few holds that are open.
"""

import random
from pathlib import Path

from evenhand.ledger import (
    FREE,
    Books,
    Bound,
    Consumer,
    Correction,
    Hold,
    Price,
    resolve_left_open,
)
from evenhand.model import (
    ApplicationName,
    EngineName,
    KeyId,
    ModelName,
    Outcome,
    RequestId,
    TenantPath,
    Usage,
)
from evenhand.stores import LedgerFile

BEGAN_MS = 1_730_419_200_000
"""2024-11-01, UTC."""
DAY_MS = 86_400_000
TENANTS: tuple[TenantPath, ...] = (("acme", "search"), ("acme", "support"), ("acmeville",))
MODELS = (ModelName("llama-3.1-8b"), ModelName("qwen"), ModelName("free"))
_PRICES = {
    "llama-3.1-8b": (
        Price(currency="EUR", input=150_000_000, cached_input=15_000_000, output=600_000_000),
        Price(currency="EUR", input=123_457_000, cached_input=0, output=1_234_567_000),
        Price(currency="USD", input=170_000_000, cached_input=20_000_000, output=650_000_000),
    ),
    "qwen": (
        Price(
            currency="EUR",
            input=7_000,
            cached_input=1_000,
            output=13_000,
            reasoning=17_000,
            request=1_500,
            gpu_second=7_000_000,
        ),
    ),
    "free": (FREE,),
}
_CUT_SHORT = (Outcome.CANCELLED_RUNNING, Outcome.ENGINE_FAILED, Outcome.NOT_RECORDED)
_UNUSED = (Outcome.SHED, Outcome.CANCELLED_QUEUED, Outcome.REFUSED_BY_ENGINE)


def made_ledger(
    database: Path,
    *,
    requests: int = 200,
    days: int = 30,
    left_open: int = 3,
    seed: int = 1,
    with_corrections: bool = False,
) -> None:
    """Write it, closed and whole. `left_open` holds stay open, every second one with a mark."""
    traffic = _Traffic(database, random.Random(seed), requests, days)
    traffic.write(left_open, with_corrections=with_corrections)


class _Traffic:
    def __init__(self, database: Path, rng: random.Random, requests: int, days: int) -> None:
        self.file = LedgerFile(database)
        self.books = Books(self.file.load())
        self.rng = rng
        # Of its own, for what was added later: the rest stays as it was for each seed.
        self.more = random.Random(requests)
        self.requests = requests
        self.step_ms = days * DAY_MS // requests
        self.now_ms = BEGAN_MS

    def write(self, left_open: int, *, with_corrections: bool) -> None:
        for number in range(self.requests):
            self.now_ms += self.step_ms
            hold = self._hold(number)
            self._end(hold)
            if self.rng.random() < 0.05:
                self._die()
            if self.rng.random() < 0.1:
                self.file.commit(self.books.take_batch())
        if with_corrections:
            self._correct()
        for number in range(left_open):
            hold = self._hold(self.requests + number)
            if number % 2:
                usage = Usage(hold.bound.input_tokens, 1, is_estimate=True, reasoning_tokens=1)
                self.books.mark(hold, usage)
        if self.books.has_news:
            self.file.commit(self.books.take_batch())
        self.file.close()

    def _hold(self, number: int) -> Hold:
        rng = self.rng
        tenant = rng.choice(TENANTS)
        application = rng.choice(("chat", "batch"))
        key = KeyId(f"env:{'_'.join(tenant).upper()}_{application.upper()}")
        model = rng.choice(MODELS)
        consumer = Consumer(tenant, ApplicationName(application), key)
        hold = self.books.hold(
            RequestId(f"req_{number:06d}{rng.getrandbits(48):012x}"),
            self.books.line(consumer, model, rng.choice(_PRICES[model])),
            Bound(rng.randint(10, 9_000), rng.randint(1, 2_000)),
            at_ms=self.now_ms,
        )
        assert isinstance(hold, Hold)
        return hold

    def _end(self, hold: Hold) -> None:
        rng, chance = self.rng, self.rng.random()
        self.now_ms += rng.randint(0, 60_000)
        if chance < 0.15:
            self.books.void(hold, rng.choice(_UNUSED), self.now_ms)
            return
        # Up to a tenth more than was held.
        input_tokens = rng.randint(1, hold.bound.input_tokens * 11 // 10)
        usage = Usage(
            input_tokens,
            rng.randint(1, max(1, hold.bound.output_tokens * 11 // 10)),
            rng.choice((0, rng.randint(0, input_tokens))),
            is_estimate=chance < 0.25,
        )
        if self.more.random() < 0.5:
            usage.reasoning_tokens = self.more.randint(0, usage.output_tokens)
        outcome = rng.choice(_CUT_SHORT) if chance < 0.35 else Outcome.COMPLETED
        units = (usage.input_tokens - usage.cached_input_tokens) * 10 + usage.output_tokens * 20
        engine = EngineName(rng.choice(("gpu0", "gpu1")))
        self.books.settle(hold, usage, outcome, self.now_ms, engine=engine, units=units)
        if hold.line.posted_nano > 1_000:
            self.charged = hold, usage
        if self.more.random() < 0.4:
            self.books.gpu_time(hold, self.more.randint(1, 9_000_000), self.now_ms + 1_000)

    def _correct(self) -> None:
        """What was charged last is given back in part, and then its account some more."""
        hold, usage = self.charged
        consumer, model = hold.line.debit.owner, hold.line.credit.owner
        assert isinstance(consumer, Consumer)
        assert not isinstance(model, Consumer)
        for number, request in enumerate((hold.request, None)):
            correction = Correction(
                consumer=consumer,
                model=model,
                currency=hold.line.price.currency,
                input_tokens=-usage.input_tokens if request else 0,
                cached_input_tokens=-usage.cached_input_tokens if request else 0,
                nano=-1,
                reference=f"T-{number}",
                author="finance",
                reason="the engine was faulty",
                request=request,
            )
            self.books.correct(correction, self.now_ms)

    def _die(self) -> None:
        """Two requests are under way, one of them marked, when the gateway is killed."""
        for is_marked in (False, True):
            hold = self._hold(self.rng.getrandbits(20))
            if is_marked:
                self.books.mark(hold, Usage(hold.bound.input_tokens // 2, 64, 3))
        self.file.commit(self.books.take_batch())
        self.books = Books(self.file.load())
        self.now_ms += 5_000
        resolve_left_open(self.books, self.now_ms)
