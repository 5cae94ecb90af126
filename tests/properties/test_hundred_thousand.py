"""A hundred thousand requests with cancels, retries, engine deaths and kills: one settlement each,
nothing over-billed, and statements that are a recount in plain dictionaries."""

import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

from evenhand.ledger import Books, Bound, Consumer, Hold, Price, resolve_left_open
from evenhand.model import (
    NO_USAGE,
    ApplicationName,
    EngineName,
    KeyId,
    ModelName,
    Outcome,
    RequestId,
    Usage,
)
from evenhand.stores import LedgerFile
from support.ledger import check_books, resolutions
from support.statements import check_statements

REQUESTS = 100_000
KILLS = 20
TENANTS = ("a", "b", "c")
PRICES = {
    ModelName("small"): Price(currency="EUR", input=150, cached_input=7, output=601, request=3),
    ModelName("large"): Price(currency="EUR", input=333_333_333, cached_input=1, output=10**9 + 7),
}
_CUT_SHORT = (Outcome.CANCELLED_RUNNING, Outcome.ENGINE_FAILED, Outcome.SLOW_READER)
_UNUSED = (Outcome.CANCELLED_QUEUED, Outcome.SHED, Outcome.ENGINE_FAILED)


@dataclass
class Open:
    hold: Hold
    usage: Usage
    """What it has used so far."""
    marked: Usage | None = None


class World:
    """The books, and beside them what each tenant has really used and was told."""

    def __init__(self, database: Path, seed: int) -> None:
        self.database = database
        self.chance = random.Random(seed)
        self.file = LedgerFile(database)
        self.books = Books(self.file.load())
        self.now_ms = 1_760_000_000_000
        self.number = 0
        self.open: dict[str, Open] = {}
        self.owed: dict[str, Counter[str]] = defaultdict(Counter)
        """By tenant: what must be on the statement, of what is on disk."""
        self.journal: list[tuple[str, Counter[str]]] = []
        """What of it is not on disk yet."""
        self.kept: dict[str, Hold] = {}
        """Holds that are open on disk."""
        self.marks: dict[str, Usage] = {}
        """Marks that are on disk."""

    def come(self) -> None:
        chance = self.chance
        self.number += 1
        model = chance.choice(tuple(PRICES))
        tenant = chance.choice(TENANTS)
        consumer = Consumer((tenant,), ApplicationName("app"), KeyId(f"key-{tenant}"))
        request = RequestId(f"req_{self.number}")
        line = self.books.line(consumer, model, PRICES[model])
        bound = Bound(chance.randint(1, 2_000), chance.randint(1, 500))
        hold = self.books.hold(request, line, bound, at_ms=self.now_ms)
        assert isinstance(hold, Hold)
        self.open[request] = Open(hold, Usage(chance.randint(1, bound.input_tokens), 0))

    def go(self) -> None:
        """One that is open ends, or is tried again, or gets on."""
        request = self.chance.choice(tuple(self.open)) if len(self.open) > 40 else None
        if request is None:
            return
        one, luck = self.open[request], self.chance.random()
        if luck < 0.3:
            self.get_on(one)
        elif luck < 0.4:
            pass  # its engine died before a byte: tried again, and nothing is booked
        elif luck < 0.5 and not one.usage.output_tokens:
            self.end(request, None, self.chance.choice(_UNUSED))
        elif luck < 0.6:
            self.get_on(one)
            self.end(request, one.usage, self.chance.choice(_CUT_SHORT))
        else:
            self.get_on(one)
            self.end(request, one.usage, Outcome.COMPLETED)

    def get_on(self, one: Open) -> None:
        usage = one.usage
        one.usage = Usage(
            usage.input_tokens,
            usage.output_tokens + self.chance.randint(0, 300),
            min(usage.input_tokens, self.chance.randint(0, 64)),
        )
        if self.chance.random() < 0.5:
            self.books.mark(one.hold, one.usage)
            one.marked = one.usage

    def end(self, request: str, usage: Usage | None, outcome: Outcome) -> None:
        one = self.open.pop(request)
        if usage is None:
            self.books.void(one.hold, outcome, self.now_ms)
        else:
            self.books.settle(
                one.hold, usage, outcome, self.now_ms, engine=EngineName("e"), units=1
            )
        self.journal.append((_tenant(one.hold), _owed(one.hold, usage, outcome)))

    def commit(self) -> None:
        if not self.books.has_news:
            return
        self.file.commit(self.books.take_batch())
        for tenant, owed in self.journal:
            self.owed[tenant].update(owed)
        self.journal.clear()
        self.kept = {request: one.hold for request, one in self.open.items()}
        self.marks = {r: one.marked for r, one in self.open.items() if one.marked is not None}

    def kill(self) -> None:
        """What is not on disk is gone; the next gateway settles marks, and expires the rest. Of those
        whose end was lost, too: never more than their mark."""
        self.file.close()
        self.file = LedgerFile(self.database)
        self.books = Books(self.file.load())
        recovered = resolve_left_open(self.books, self.now_ms)
        assert recovered.settled + recovered.expired == len(self.kept)
        self.journal = [
            (_tenant(hold), _owed(hold, self.marks.get(request), Outcome.GATEWAY_DIED))
            for request, hold in self.kept.items()
        ]
        self.open.clear()
        self.commit()


def _tenant(hold: Hold) -> str:
    owner = hold.line.debit.owner
    assert isinstance(owner, Consumer)
    return owner.tenant[0]


def _owed(hold: Hold, usage: Usage | None, outcome: Outcome) -> Counter[str]:
    spent = usage or NO_USAGE
    return Counter(
        {
            outcome.value: 1,
            "input": spent.input_tokens,
            "cached": spent.cached_input_tokens,
            "output": spent.output_tokens,
            "nano": 0 if usage is None else hold.line.price.of(usage),
        }
    )


@pytest.mark.timeout(300)
def test_a_hundred_thousand_requests(tmp_path: Path) -> None:
    world = World(tmp_path / "evenhand.db", seed=17)
    kills = {REQUESTS // KILLS * n + 777 for n in range(KILLS)}
    while world.number < REQUESTS:
        world.come()
        world.go()
        world.go()
        world.now_ms += 13
        if world.number % 400 == 0:
            world.commit()
        if world.number in kills:
            world.kill()
    world.commit()
    world.kill()
    world.file.close()
    booked = resolutions(world.database)
    check_books(world.database)
    totals = check_statements(world.database, TENANTS, booked)
    for tenant, owed in world.owed.items():
        total = totals[tenant]
        assert +total.outcomes == Counter({name: owed[name] for name in total.outcomes})
        assert total.input_tokens == owed["input"]
        assert total.cached_input_tokens == owed["cached"]
        assert total.output_tokens == owed["output"]
        assert total.nano["EUR"] == owed["nano"]
    outcomes = {outcome for total in totals.values() for outcome in total.outcomes}
    assert {"completed", "gateway_died", "shed", "slow_reader"} <= outcomes
    assert sum(total.requests for total in totals.values()) == len(booked) > REQUESTS * 9 // 10
