"""A database that an earlier version has written is brought up to date with all that it says."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from evenhand.ledger import (
    Books,
    Bound,
    Consumer,
    Hold,
    Price,
    resolve_left_open,
)
from evenhand.ledger.day_sum import DAY_MS
from evenhand.model import ApplicationName, EngineName, KeyId, ModelName, Outcome, RequestId, Usage
from evenhand.stores import LedgerFile
from evenhand.stores.migrations import MIGRATIONS
from evenhand.stores.schema import APPLICATION_ID
from support.ledger import check_audit, check_books, rows

_OF_VERSION_2 = {
    "account": (
        "number, side, tenant, application, key, model, currency, posted_input, posted_cached, "
        "posted_output, posted_nano, held_input, held_output, held_nano"
    ),
    "price": "number, model, currency, input, cached_input, output",
    "transfer": (
        "id, kind, at_ms, debit, credit, input_tokens, cached_input_tokens, output_tokens, nano, "
        "request, price, outcome, engine, units, is_estimate"
    ),
    "mark": "number, input_tokens, cached_input_tokens, output_tokens, is_estimate",
}
PRICE = Price(currency="EUR", input=2_000_000, cached_input=1_000_000, output=5_000_000)
CONSUMER = Consumer(("acme", "search"), ApplicationName("app"), KeyId("key_a"))


def version_2(folder: Path) -> Path:
    """What the gateway of version 2 has left: settled, beyond its hold, released, and two left open."""
    newer = folder / "newer.db"
    file = LedgerFile(newer)
    books = Books(file.load())
    line = books.line(CONSUMER, ModelName("m"), PRICE)
    for number in range(12):
        at_ms = (20_000 + number // 4) * DAY_MS + number
        hold = books.hold(RequestId(f"req_{number}"), line, Bound(100, 50), at_ms=at_ms)
        assert isinstance(hold, Hold)
        if number >= 10:
            if number == 11:
                books.mark(hold, Usage(40, 7, 3, is_estimate=True))
            continue
        if number % 5 == 0:
            books.void(hold, Outcome.SHED, at_ms)
        else:
            usage = Usage(90 + 3 * number, 40 + 2 * number, number)
            # Settled the day after it was held.
            books.settle(
                hold, usage, Outcome.COMPLETED, at_ms + DAY_MS, engine=EngineName("e"), units=9
            )
    file.commit(books.take_batch())
    file.close()
    older = folder / "evenhand.db"
    with closing(sqlite3.connect(older, isolation_level=None)) as connection:
        for migration in MIGRATIONS[:2]:
            connection.executescript(migration)
        connection.execute("ATTACH ? AS newer", (str(newer),))
        for table, columns in _OF_VERSION_2.items():
            connection.execute(
                f"INSERT INTO {table} ({columns}) SELECT {columns} FROM newer.{table}"
            )
        connection.execute(
            "UPDATE ledger SET (seq, open_from) = (SELECT seq, open_from FROM newer.ledger)"
        )
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 2")
    return older


@pytest.fixture
def older(tmp_path: Path) -> Path:
    return version_2(tmp_path)


def test_balances_of_days_are_counted_from_the_transfers(older: Path) -> None:
    LedgerFile(older).close()
    check_audit(older)
    days = rows(older, "SELECT day, posted_tokens FROM account_day ORDER BY day")
    assert [row["day"] for row in days] == [20_000, 20_001, 20_002]
    assert all(row["posted_tokens"] > 0 for row in days)


def test_what_was_left_open_is_resolved_and_prices_are_known_again(older: Path) -> None:
    file = LedgerFile(older)
    books = Books(file.load())
    recovered = resolve_left_open(books, 20_009 * DAY_MS)
    assert (recovered.settled, recovered.expired) == (1, 1)
    line = books.line(CONSUMER, ModelName("m"), PRICE)
    assert line.price_number == 1, "no price is booked twice"
    file.commit(books.take_batch())
    file.close()
    check_books(older)
