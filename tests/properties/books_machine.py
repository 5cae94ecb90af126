"""The books and their file under any interleaving of requests, commits, failing disks and crashes.

Beside them stands a plain account of what was acknowledged, in dictionaries.
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
    Consumer,
    Correction,
    CorrectionRefusedError,
    Hold,
    Mark,
    OverBudget,
    Price,
    Side,
    Transfer,
    resolve_left_open,
)
from evenhand.ledger.books import AlreadyResolvedError
from evenhand.model import ApplicationName, EngineName, KeyId, ModelName, Outcome, RequestId, Usage
from evenhand.stores import LedgerFile
from support.faulty_disk import FaultyDisk
from support.ledger import check_books, rows

PRICES = (
    Price(currency="EUR", input=150_000_000, cached_input=15_000_000, output=600_000_000),
    Price(currency="EUR", input=333_333, cached_input=1, output=7),
    Price(currency="USD", input=0, cached_input=0, output=1_000_003),
)
CONSUMERS = tuple(
    Consumer((tenant, "team"), ApplicationName("app"), KeyId(f"key-{tenant}"))
    for tenant in ("a", "b", "c")
)
BUDGETS: dict[KeyId, Budget] = {
    KeyId("key-b"): Budget(tokens_max=500),
    KeyId("key-c"): Budget(nano_max=100_000),
}
MODELS = (ModelName("m"), ModelName("n"))
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
        holds = {i // 4 for i, row in self.transfers.items() if row[1] == "hold"}
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
        self.excess: dict[KeyId, tuple[int, int]] = {}
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
        input_tokens=tokens,
        output_tokens=tokens,
    )
    def hold(
        self,
        consumer: Consumer,
        model: ModelName,
        price: Price,
        input_tokens: int,
        output_tokens: int,
    ) -> Any:
        self.requests += 1
        budget = BUDGETS.get(consumer.key)
        hold = self.books.hold(
            RequestId(f"req_{self.requests}"),
            self.books.line(consumer, model, price),
            Bound(input_tokens, output_tokens),
            at_ms=self.requests,
            budget=budget,
        )
        if isinstance(hold, OverBudget):
            assert hold.posted + hold.held + hold.asked > hold.limit
            return multiple()
        self.born[id(hold)] = self.generation
        return hold

    @rule(hold=holds, output_tokens=tokens)
    def mark(self, hold: Any, output_tokens: int) -> None:
        if self._is_mine(hold):
            self.books.mark(hold, Usage(5, output_tokens, 2, is_estimate=True))

    @rule(hold=holds, input_tokens=tokens, cached=tokens, output_tokens=tokens)
    def settle(self, hold: Any, input_tokens: int, cached: int, output_tokens: int) -> None:
        if not self._is_mine(hold):
            return
        usage = Usage(input_tokens, output_tokens, min(cached, input_tokens))
        if hold.is_resolved:
            self._must_refuse(lambda: self.books.settle(hold, usage, Outcome.COMPLETED, 1))
            return
        self._note_excess(hold, usage)
        before = hold.line.posted_nano
        self.books.settle(hold, usage, Outcome.COMPLETED, 1, engine=EngineName("e"))
        assert hold.line.posted_nano - before == hold.line.price.of(usage)

    @rule(hold=holds)
    def void(self, hold: Any) -> None:
        if not self._is_mine(hold):
            return
        if hold.is_resolved:
            self._must_refuse(lambda: self.books.void(hold, Outcome.ENGINE_FAILED, 1))
        else:
            self.books.void(hold, Outcome.ENGINE_FAILED, 1)

    @rule(
        consumer=st.sampled_from(CONSUMERS),
        model=st.sampled_from(MODELS),
        currency=st.sampled_from(("EUR", "USD")),
        amounts=st.tuples(*[st.integers(-300, 0)] * 4),
    )
    def give_back(
        self,
        consumer: Consumer,
        model: ModelName,
        currency: str,
        amounts: tuple[int, int, int, int],
    ) -> None:
        self.requests += 1
        before = self.books.news
        correction = Correction(
            consumer=consumer,
            model=model,
            currency=currency,
            input_tokens=amounts[0],
            cached_input_tokens=amounts[1],
            output_tokens=amounts[2],
            nano=amounts[3],
            reference=f"T-{self.requests}",
            author="somebody",
            reason="because",
        )
        try:
            self.books.correct(correction, self.requests)
        except CorrectionRefusedError:
            assert self.books.news == before, "nothing was done"

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
        self._note_excess_of(snapshot.open_holds)
        recovered = resolve_left_open(self.books, at_ms=1)
        assert recovered.settled + recovered.expired == len(still_open)
        assert self.books.open_holds == 0

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
    def budgets_hold(self) -> None:
        for key, budget in BUDGETS.items():
            spent = [self.books.spent(key, currency) for currency in ("EUR", "USD")]
            nano_over, tokens_over = self.excess.get(key, (0, 0))
            if budget.nano_max is not None:
                for one in spent:
                    assert one.posted_nano + one.held_nano <= budget.nano_max + nano_over
            if budget.tokens_max is not None:
                for one in spent:
                    total = one.posted_tokens + one.held_tokens
                    assert total <= budget.tokens_max + tokens_over

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
        found = rows(self.database)
        return {row["id"]: tuple(row[name] for name in Transfer._fields) for row in found}

    def _note_excess(self, hold: Hold, usage: Usage) -> None:
        owner = hold.line.debit.owner
        assert isinstance(owner, Consumer)
        nano, count = self.excess.get(owner.key, (0, 0))
        over = max(0, usage.input_tokens - hold.bound.input_tokens)
        over += max(0, usage.output_tokens - hold.bound.output_tokens)
        more = max(0, hold.line.price.of(usage) - hold.nano) if over else 0
        self.excess[owner.key] = (nano + more, count + over)

    def _note_excess_of(self, left_open: Any) -> None:
        """A mark may exceed its hold as well: as generous as need be."""
        for consumer in CONSUMERS:
            nano, count = self.excess.get(consumer.key, (0, 0))
            marks = [left.mark for left in left_open if left.mark is not None]
            tokens_marked = sum(mark.input_tokens + mark.output_tokens for mark in marks)
            self.excess[consumer.key] = (nano + tokens_marked * 1_000, count + tokens_marked)
