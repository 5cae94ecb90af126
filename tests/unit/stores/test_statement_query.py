"""Statements against plain Python over the rows: cut off where they say, and no entry lost or counted
twice between one statement and the next."""

import random
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import pytest

from evenhand.ledger import Books, Bound, Consumer, Correction, CorrectionRefusedError, Hold, Price
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
from evenhand.stores.issued_statements import Issued, issued_for, record
from evenhand.stores.problem import NotAsAskedError
from evenhand.stores.schema import open_to_read, open_to_write
from evenhand.stores.statement_query import (
    Cut,
    StatementFigures,
    StatementQuery,
    cut_named,
    read_statement,
)
from support.ledger import check_books, rows
from support.made_ledger import BEGAN_MS, DAY_MS, made_ledger

DAY = BEGAN_MS // DAY_MS
MODEL = ModelName("m")
PRICE = Price(currency="EUR", input=150_000_000, cached_input=15_000_000, output=600_000_000)


def consumer(tenant: TenantPath) -> Consumer:
    return Consumer(tenant, ApplicationName("app"), KeyId(f"key-{tenant[-1]}"))


A, B = consumer(("acme", "a")), consumer(("acme", "b"))


class Bookings:
    """A ledger to which one request after the other is added, each a batch of its own."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.file = LedgerFile(database)
        self.books = Books(self.file.load())
        self.number = 0

    def request(self, at_ms: int, who: Consumer = A, tokens: int = 1_000) -> None:
        self.number += 1
        request_id = RequestId(f"req_{self.number}")
        line = self.books.line(who, MODEL, PRICE)
        hold = self.books.hold(request_id, line, Bound(tokens, tokens), at_ms=at_ms)
        assert isinstance(hold, Hold)
        usage = Usage(tokens, tokens)
        self.books.settle(hold, usage, Outcome.COMPLETED, at_ms, engine=EngineName("e"))
        self.commit()

    def hold(self, at_ms: int) -> None:
        self.number += 1
        line = self.books.line(A, MODEL, PRICE)
        self.books.hold(RequestId(f"req_{self.number}"), line, Bound(10, 10), at_ms=at_ms)
        self.commit()

    def correct(self, at_ms: int, nano: int) -> None:
        self.number += 1
        correction = Correction(
            consumer=A,
            model=MODEL,
            currency="EUR",
            nano=nano,
            reference=f"T-{self.number}",
            author="finance",
            reason="a test",
        )
        self.books.correct(correction, at_ms)
        self.commit()

    def commit(self) -> None:
        self.file.commit(self.books.take_batch())

    def statement(
        self, first: int, end: int, cut: Cut | None = None, tenant: str = "acme"
    ) -> StatementFigures:
        """Of days from 2024-11-01 on."""
        query = StatementQuery(
            tenant=tenant,
            from_ms=BEGAN_MS + first * DAY_MS,
            to_ms=BEGAN_MS + end * DAY_MS,
            by=("tenant",),
            cut=cut,
        )
        with closing(open_to_read(self.database)) as connection:
            return read_statement(connection, query)

    def issue(self, first: int, end: int, tenant: str = "acme") -> Issued:
        figures = self.statement(first, end, tenant=tenant)
        wanted = Issued(
            number=0,
            tenant=tenant,
            from_ms=BEGAN_MS + first * DAY_MS,
            to_ms=BEGAN_MS + end * DAY_MS,
            cut=figures.cut.batch,
            total="{}",
            gpu="[]",
            digest="",
            issued_ms=0,
            issued_by="somebody",
        )
        with closing(open_to_write(self.database)) as connection:
            return record(connection, wanted, last=figures.cut.last)


@pytest.fixture
def bookings(tmp_path: Path) -> Bookings:
    return Bookings(tmp_path / "evenhand.db")


def at(day: int) -> int:
    return BEGAN_MS + day * DAY_MS


def test_the_same_cut_is_the_same_statement_whatever_is_booked_since(bookings: Bookings) -> None:
    bookings.request(at(1))
    bookings.hold(at(1))
    before = bookings.statement(0, 5)
    assert before.total.requests == 1
    assert before.open[("acme/a", "EUR")].open_requests == 1
    bookings.request(at(2), B)
    bookings.correct(at(3), -5)
    assert bookings.statement(0, 5, before.cut) == before
    assert bookings.statement(0, 5).total.requests == 2
    assert bookings.statement(0, 5).total.nano["EUR"] == 2 * 750_000 - 5


def test_a_closed_period_stays_and_what_comes_late_is_in_the_next(bookings: Bookings) -> None:
    bookings.request(at(1))
    first = bookings.issue(0, 5)
    closed = bookings.statement(0, 5)
    bookings.request(at(4))  # by a clock that was behind
    bookings.correct(at(6), -7)
    bookings.request(at(6))
    assert bookings.statement(0, 5) == closed
    second = bookings.statement(5, 10)
    assert second.lines[("acme/a", "EUR")].requests == 1
    assert second.late[(first.number, "acme/a", "EUR")].requests == 1  # type: ignore[index]
    assert [each.nano for each in second.corrections] == [-7]
    assert second.total.nano["EUR"] == 2 * 750_000 - 7
    number = bookings.issue(5, 10).number
    assert bookings.statement(10, 12).late == {}, "it was in the one before"
    assert bookings.statement(10, 12).cut.last == number


def test_overlapping_and_repeated_periods_are_refused(bookings: Bookings) -> None:
    bookings.request(at(1))
    bookings.issue(0, 5)
    for first, end in ((0, 6), (4, 6), (1, 2)):
        with pytest.raises(NotAsAskedError, match="covers a part of that period already"):
            bookings.issue(first, end)
    bookings.issue(0, 5, tenant="acme/a")  # a node's statements are its own
    with closing(open_to_read(bookings.database)) as connection:
        assert [each.number for each in issued_for(connection, None)] == [1, 2]
        assert [each.tenant for each in issued_for(connection, "acme/a")] == ["acme/a"]


def test_a_cut_that_cannot_be_is_refused(bookings: Bookings) -> None:
    bookings.request(at(1))
    with pytest.raises(NotAsAskedError, match="name one from 0 to 1"):
        bookings.statement(0, 5, Cut(2))
    with pytest.raises(NotAsAskedError, match="has no statement 3"):
        bookings.statement(0, 5, Cut(1, 3))
    assert cut_named("4711/12") == Cut(4711, 12)
    assert str(cut_named("4711")) == "4711"
    with pytest.raises(ValueError, match="copy it from a statement"):
        cut_named("today")


def test_issued_statements_and_corrections_are_never_changed(bookings: Bookings) -> None:
    bookings.request(at(1))
    bookings.correct(at(2), -1)
    bookings.issue(0, 5)
    with closing(open_to_write(bookings.database)) as connection:
        for statement in (
            "UPDATE statement SET cut = 0",
            "DELETE FROM statement",
            "UPDATE correction SET reason = ''",
            "DELETE FROM correction",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                connection.execute(statement)


@pytest.mark.parametrize("seed", range(12))
def test_every_entry_is_in_exactly_one_issued_statement(tmp_path: Path, seed: int) -> None:
    """Clocks go back, and corrections come at any time."""
    chance = random.Random(seed)
    bookings = Bookings(tmp_path / "evenhand.db")
    today, closed = 1, 0
    issued: list[Issued] = []
    for _ in range(60):
        today = min(today + chance.choice((0, 0, 1)), 30)
        act = chance.random()
        if act < 0.7:
            bookings.request(
                at(max(0, today - chance.choice((0, 0, 0, 3, 9)))), chance.choice((A, B))
            )
        elif act < 0.85 and bookings.number:
            with suppress(CorrectionRefusedError):  # too much, or nobody there yet
                bookings.correct(at(today), chance.randint(-900, 900) or 1)
        elif closed + 2 <= today:
            issued.append(bookings.issue(closed, closed + 2))
            closed += 2
    for _ in range(2):  # the second takes what was late until the first
        issued.append(bookings.issue(closed, closed + 31))
        closed += 31
    nano: Counter[str] = Counter()
    requests = 0
    for each in issued:
        first, end = ((ms - BEGAN_MS) // DAY_MS for ms in (each.from_ms, each.to_ms))
        figures = bookings.statement(first, end)
        assert figures.issued == each
        nano.update(figures.total.nano)
        requests += figures.total.requests
    booked = rows(bookings.database, "SELECT * FROM transfer WHERE kind <> 'hold'")
    assert nano["EUR"] == sum(row["nano"] for row in booked)
    assert requests == sum(row["kind"] == "settle" for row in booked)
    check_books(bookings.database)


@pytest.mark.parametrize("tenant", ["acme", "acme/search", "acmeville"])
def test_a_statement_is_the_recount(tmp_path: Path, tenant: str) -> None:
    database = tmp_path / "evenhand.db"
    made_ledger(database, requests=300, days=40, with_corrections=True)
    from_ms, to_ms = BEGAN_MS + 10 * DAY_MS, BEGAN_MS + 33 * DAY_MS
    (seq,) = (row["seq"] for row in rows(database, "SELECT seq FROM ledger"))
    accounts = {row["number"]: row for row in rows(database, "SELECT * FROM account")}
    for cut in (seq // 3, seq // 2, seq):
        query = StatementQuery(
            tenant=tenant, from_ms=from_ms, to_ms=to_ms, by=("model", "day"), cut=Cut(cut)
        )
        with closing(open_to_read(database)) as connection:
            found = read_statement(connection, query)
        outcomes: Counter[str] = Counter()
        nano: Counter[str] = Counter()
        tokens = [0, 0, 0, 0, 0]
        ended, held = set(), Counter[int]()
        for row in rows(database):
            owner = accounts[row["debit"]]
            is_ours = owner["tenant"] == tenant or owner["tenant"].startswith(f"{tenant}/")
            if not is_ours or row["batch"] > cut:
                continue
            if row["kind"] == "hold":
                held[row["id"] // 4] += 1
                continue
            ended.add(row["id"] // 4)
            if not from_ms <= row["at_ms"] < to_ms:
                continue
            if row["outcome"]:
                outcomes[row["outcome"]] += 1
            if owner["currency"]:
                nano[owner["currency"]] += row["nano"]
            names = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens")
            for place, name in enumerate((*names, "gpu_us")):
                tokens[place] += row[name]
        total = found.total
        assert +total.outcomes == outcomes
        assert total.nano == nano
        assert tokens == [
            *(total.input_tokens, total.cached_input_tokens, total.output_tokens),
            *(total.reasoning_tokens, total.gpu_us),
        ]
        still_open = sum(line.open_requests for line in found.open.values())
        assert still_open == len(held.keys() - ended)
