"""The books and their file under any interleaving of requests, budgets, commits, failing disks, clocks
and crashes.

Beside them stand a plain account of what was acknowledged, in dictionaries, and a plain list of what was
held and used, from which every budget is recounted.
"""

import shutil
import sqlite3
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from evenhand.ledger import (
    Batch,
    Books,
    Bound,
    Budget,
    BudgetRule,
    Consumer,
    Correction,
    CorrectionRefusedError,
    Hold,
    Mark,
    OtherCurrency,
    OverBudget,
    Period,
    Price,
    Side,
    Transfer,
    resolve_left_open,
)
from evenhand.ledger.books import AlreadyResolvedError
from evenhand.model import ApplicationName, EngineName, KeyId, ModelName, Outcome, RequestId, Usage
from evenhand.stores import LedgerFile
from properties.plain_budgets import Entry, PlainBudgets
from support.faulty_disk import FaultyDisk
from support.ledger import check_books, rows

PRICES = (
    Price(currency="EUR", input=150_000_000, cached_input=15_000_000, output=600_000_000),
    Price(
        currency="EUR",
        input=333_333,
        cached_input=1,
        output=7,
        reasoning=2_000_003,
        request=50,
        gpu_second=123_457,
    ),
    Price(currency="USD", input=0, cached_input=0, output=1_000_003, reasoning=3),
)
CONSUMERS = tuple(
    Consumer(tenant, ApplicationName("app"), KeyId(f"key-{tenant[-1]}"))
    for tenant in (("org", "a"), ("org", "b"), ("c",))
)
BUDGETS: dict[KeyId, Budget] = {
    KeyId("key-b"): Budget(tokens_max=1_500),
    KeyId("key-c"): Budget(nano_max=100_000, currency="EUR"),
}
RULES = (
    BudgetRule(tenant=("org",), period=Period.DAY, limits=Budget(tokens_max=900)),
    BudgetRule(tenant=("org",), period=Period.MONTH, limits=Budget(tokens_max=1_800)),
    BudgetRule(
        tenant=("org", "a"), period=Period.WEEK, limits=Budget(nano_max=200_000, currency="EUR")
    ),
    BudgetRule(
        key=KeyId("key-b"), period=Period.WEEK, limits=Budget(tokens_max=500), is_hard=False
    ),
    BudgetRule(
        key=KeyId("key-c"),
        period=Period.MONTH,
        limits=Budget(nano_max=50_000, tokens_max=700, currency="EUR"),
        is_hard=False,
    ),
    BudgetRule(tenant=("c",), period=Period.TOTAL, limits=Budget(tokens_max=1_400)),
)
MODELS = (ModelName("m"), ModelName("n"))
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
BEGAN_MS = 1_709_150_400_000
"""28 February 2024, 20:00: the next day is of the same month, and the last one of a leap year's."""
tokens = st.integers(0, 300)


@dataclass
class Kept:
    """What the disk has acknowledged, as sets of rows."""

    transfers: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    marks: dict[int, tuple[Any, ...]] = field(default_factory=dict)

    def take(self, batch: Batch) -> None:
        for transfer in batch.transfers:
            assert transfer.id not in self.transfers
            self.transfers[transfer.id] = tuple(transfer)
        self.marks |= {mark.number: tuple(mark) for mark in batch.marks}
        for number in batch.unmarked:
            self.marks.pop(number, None)

    def open_numbers(self) -> set[int]:
        holds = {row[0] // 4 for row in self.transfers.values() if row[1] == "hold"}
        return {number for number in holds if number * 4 + 1 not in self.transfers}


class BooksMachine(RuleBasedStateMachine):
    holds: Bundle[Hold] = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="evenhand-books-"))
        self.database = self.folder / "evenhand.db"
        self.disk = FaultyDisk()
        self.file = LedgerFile(self.database, self.disk.connect)
        self.books = Books(self.file.load())
        self.kept = Kept()
        self.pending: Batch | None = None
        """Offered to the disk, with an unknown fate."""
        self.requests = 0
        self.now_ms = BEGAN_MS
        self.budgets: tuple[BudgetRule, ...] = RULES
        self.plain = PlainBudgets(latest_ms=self.now_ms)
        self.books.budget_by(self.budgets, self.now_ms)
        self.generation = 0
        self.born: dict[int, int] = {}

    def teardown(self) -> None:
        self._write_all()
        self.file.close()
        check_books(self.database, open_holds=self.books.open_holds)
        shutil.rmtree(self.folder)

    # Requests.

    @rule(
        target=holds,
        consumer=st.sampled_from(CONSUMERS),
        model=st.sampled_from(MODELS),
        price=st.sampled_from(PRICES),
        bound=st.builds(Bound, tokens, tokens),
    )
    def hold(self, consumer: Consumer, model: ModelName, price: Price, bound: Bound) -> Any:
        self.requests += 1
        budget, count = BUDGETS.get(consumer.key), sum(bound)
        nano = price.bound(*bound)
        at_ms = self.plain.now(self.now_ms)
        watching = [*self.budgets, *_for_life(consumer.key, budget)]
        exceeded = self.plain.exceeded(watching, consumer, at_ms, tokens=count, nano=nano)
        hold = self.books.hold(
            RequestId(f"req_{self.requests}"),
            self.books.line(consumer, model, price),
            bound,
            at_ms=self.now_ms,
            budget=budget,
        )
        if isinstance(hold, OtherCurrency):
            assert any(
                rule.limits.nano_max is not None and rule.limits.currency == hold.counted
                for rule in watching
            )
            assert hold.counted != price.currency == hold.priced
            return multiple()
        is_refused = any(rule.is_hard for rule in exceeded)
        assert isinstance(hold, OverBudget) is is_refused
        if isinstance(hold, OverBudget):
            assert hold.posted + hold.held + hold.asked > hold.limit
            return multiple()
        assert hold.is_over_soft is any(not rule.is_hard for rule in exceeded)
        self.plain.entries[hold.number] = Entry(hold.number, consumer, price, at_ms, count, nano)
        self.born[id(hold)] = self.generation
        return hold

    @rule(hold=holds, output_tokens=tokens, reasoned=tokens)
    def mark(self, hold: Any, output_tokens: int, reasoned: int) -> None:
        if self._is_mine(hold):
            self.books.mark(hold, _usage(5, 2, output_tokens, reasoned))

    @rule(hold=holds, input_tokens=tokens, cached=tokens, output_tokens=tokens, reasoned=tokens)
    def settle(
        self, hold: Any, input_tokens: int, cached: int, output_tokens: int, reasoned: int
    ) -> None:
        if not self._is_mine(hold):
            return
        usage = _usage(input_tokens, cached, output_tokens, reasoned)
        if hold.is_resolved:
            self._must_refuse(lambda: self.books.settle(hold, usage, Outcome.COMPLETED, 1))
            return
        before = hold.line.posted_nano
        self.books.settle(hold, usage, Outcome.COMPLETED, self.now_ms, engine=EngineName("e"))
        assert hold.line.posted_nano - before == hold.line.price.of(usage)
        entry = self.plain.entries[hold.number]
        entry.usage, entry.is_open = usage, False

    @rule(hold=holds, gpu_us=st.integers(1, 9_000_000))
    def gpu_time(self, hold: Any, gpu_us: int) -> None:
        if not self._is_mine(hold):
            return
        entry = self.plain.entries[hold.number]
        if entry.usage is not None and not entry.gpu_us:
            self.books.gpu_time(hold, gpu_us, self.now_ms)
            entry.gpu_us = gpu_us

    @rule(hold=holds)
    def void(self, hold: Any) -> None:
        if not self._is_mine(hold):
            return
        if hold.is_resolved:
            self._must_refuse(lambda: self.books.void(hold, Outcome.ENGINE_FAILED, 1))
        else:
            self.books.void(hold, Outcome.ENGINE_FAILED, self.now_ms)
            self.plain.entries[hold.number].is_open = False

    @rule(hold=holds, count=st.integers(-90, 90), nano=st.integers(-5_000, 5_000))
    def correct(self, hold: Any, count: int, nano: int) -> None:
        if not self._is_mine(hold):
            return
        owner, model, price = hold.line.debit.owner, hold.line.credit.owner, hold.line.price
        self.requests += 1
        correction = Correction(
            consumer=owner,
            model=model,
            currency=price.currency,
            output_tokens=count,
            nano=nano,
            reference=f"c{self.requests}",
            author="somebody",
            reason="they said so",
        )
        at_ms, before = self.plain.now(self.now_ms), self.books.news
        try:
            number = self.books.correct(correction, self.now_ms) // 4
        except CorrectionRefusedError:
            assert self.books.news == before, "nothing was done"
            return
        entry = Entry(number, owner, price, at_ms, 0, 0, is_open=False, corrected=(count, nano))
        self.plain.entries[number] = entry

    # Budgets and clocks.

    @rule(chosen=st.sets(st.sampled_from(RULES)))
    def change_budgets(self, chosen: set[BudgetRule]) -> None:
        self.budgets = tuple(rule for rule in RULES if rule in chosen)
        self.plain.now(self.now_ms)
        self.books.budget_by(self.budgets, self.now_ms)

    @rule(ms=st.sampled_from((1, HOUR_MS, 5 * HOUR_MS, DAY_MS, 6 * DAY_MS, 29 * DAY_MS)))
    def time_passes(self, ms: int) -> None:
        self.now_ms += ms

    @rule(ms=st.sampled_from((HOUR_MS, 2 * DAY_MS)))
    def clock_is_set_back(self, ms: int) -> None:
        self.now_ms = max(BEGAN_MS, self.now_ms - ms)

    # The disk.

    @rule()
    def commit(self) -> None:
        self._write_all()

    @rule(call=st.integers(1, 12), after=st.booleans())
    def commit_on_a_failing_disk(self, call: int, after: bool) -> None:
        self.disk.fail_at, self.disk.after = self.disk.calls + call, after
        try:
            self._write_all()
        except sqlite3.Error:
            self.file.close()
            self.disk.fail_at = None
            self.file = LedgerFile(self.database, self.disk.connect)
        self.disk.fail_at = None

    @rule()
    def offer_again_what_was_written(self) -> None:
        self._write_all()
        if self.last is not None:
            self.file.commit(self.last)

    @rule()
    def crash(self) -> None:
        """The process dies: what was offered may or may not be there; all else is gone."""
        self.file.close()
        self.file = LedgerFile(self.database)
        snapshot = self.file.load()
        if self.pending is not None and snapshot.seq >= self.pending.seq:
            self.kept.take(self.pending)
        self.pending = None
        assert self._on_disk() == self.kept.transfers, "acknowledged is there, once"
        still_open = self.kept.open_numbers()
        assert {left.transfer.id // 4 for left in snapshot.open_holds} == still_open
        for left in snapshot.open_holds:
            mark = self.kept.marks.get(left.transfer.id // 4)
            assert left.mark == (None if mark is None else Mark._make(mark))
        self.file.close()
        self.file = LedgerFile(self.database, self.disk.connect)
        self.books = Books(self.file.load())
        self.generation += 1
        self._forget_what_was_lost()
        self.plain.now(self.now_ms)
        self.books.budget_by(self.budgets, self.now_ms)
        self.budgets_are_the_recount()
        recovered = resolve_left_open(self.books, at_ms=self.now_ms)
        assert recovered.settled + recovered.expired == len(still_open)
        assert self.books.open_holds == 0
        for number in still_open:
            entry, mark = self.plain.entries[number], self.kept.marks.get(number)
            entry.is_open = False
            if mark is not None:
                _, input_tokens, cached, output_tokens, _, reasoned = mark
                entry.usage = _usage(input_tokens, cached, output_tokens, reasoned)

    # What always holds.

    @invariant()
    def debits_are_credits(self) -> None:
        for name in ("posted_input", "posted_cached", "posted_output", "posted_nano", "held_nano"):
            sides = {Side.CONSUMER: 0, Side.MODEL: 0}
            for account in self.books.accounts():
                value = getattr(account, name)
                assert value >= 0
                sides[account.side] += value
            assert sides[Side.CONSUMER] == sides[Side.MODEL]

    @invariant()
    def budgets_are_the_recount(self) -> None:
        at_ms = max(self.now_ms, self.plain.latest_ms)
        standings = self.books.standings(self.now_ms)
        assert tuple(standing.rule for standing in standings) == self.budgets
        watched = [
            *((standing.rule, standing.spent) for standing in standings),
            *(
                (rule, self.books.spent(key, budget.currency))
                for key, budget in BUDGETS.items()
                for rule in _for_life(key, budget)
            ),
        ]
        for budget, spent in watched:
            counted = self.plain.counted(budget, at_ms)
            assert spent.posted_tokens == counted.posted_tokens, budget
            assert spent.held_tokens == counted.held_tokens, budget
            if budget.limits.nano_max is not None:
                assert spent.posted_nano == counted.posted_nano, budget
                assert spent.held_nano == counted.held_nano, budget

    # Inside.

    last: Batch | None = None

    def _is_mine(self, hold: Any) -> bool:
        """Holds of a process that has crashed are nobody's to end."""
        return isinstance(hold, Hold) and self.born[id(hold)] == self.generation

    def _must_refuse(self, again: Any) -> None:
        before = self.books.news
        try:
            again()
        except AlreadyResolvedError:
            assert self.books.news == before
        else:
            raise AssertionError("resolved twice")

    def _write_all(self) -> None:
        if self.pending is None and self.books.has_news:
            self.pending = self.books.take_batch()
        if self.pending is not None:
            self.file.commit(self.pending)
            self.kept.take(self.pending)
            self.last, self.pending = self.pending, None
        if self.books.has_news:
            self._write_all()

    def _on_disk(self) -> dict[int, tuple[Any, ...]]:
        return {
            row["id"]: tuple(row[name] for name in Transfer._fields) for row in rows(self.database)
        }

    def _forget_what_was_lost(self) -> None:
        """The plain list as the disk has it: nothing else was ever told to anybody."""
        kept, plain = self.kept.transfers, self.plain
        for number in [number for number in plain.entries if number * 4 not in kept]:
            del plain.entries[number]
        for number, entry in plain.entries.items():
            if number * 4 + 3 not in kept:
                entry.gpu_us = 0
            if kept[number * 4][1] == "hold" and number * 4 + 1 not in kept:
                entry.is_open, entry.usage = True, None
        last = plain.entries.get(max(plain.entries, default=0))
        plain.latest_ms = 0 if last is None else last.at_ms


def _usage(input_tokens: int, cached: int, output_tokens: int, reasoned: int) -> Usage:
    return Usage(
        input_tokens,
        output_tokens,
        min(cached, input_tokens),
        reasoning_tokens=min(reasoned, output_tokens),
    )


def _for_life(key: KeyId, budget: Budget | None) -> list[BudgetRule]:
    return [] if budget is None else [BudgetRule(key=key, period=Period.TOTAL, limits=budget)]
