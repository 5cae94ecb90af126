"""An account keeps its number for ever, also where others were opened and never written."""

from pathlib import Path

import pytest

from evenhand.ledger import (
    Books,
    Bound,
    Budget,
    Consumer,
    Correction,
    CorrectionRefusedError,
    Hold,
    OverBudget,
    Price,
)
from evenhand.model import ApplicationName, EngineName, KeyId, ModelName, Outcome, RequestId, Usage
from evenhand.stores import LedgerFile
from support.ledger import check_books, rows

M = ModelName("m")
PRICE = Price(currency="EUR", input=1_000_000, cached_input=0, output=1_000_000)


def consumer(name: str) -> Consumer:
    return Consumer((name,), ApplicationName("app"), KeyId(name))


def use(books: Books, file: LedgerFile, name: str, request: str) -> None:
    line = books.line(consumer(name), M, PRICE)
    hold = books.hold(RequestId(request), line, Bound(10, 10), at_ms=1)
    assert isinstance(hold, Hold)
    books.settle(hold, Usage(5, 5), Outcome.COMPLETED, 2, engine=EngineName("e"), units=150)
    file.commit(books.take_batch())


def test_a_refused_first_request_does_not_give_its_number_to_two(tmp_path: Path) -> None:
    database = tmp_path / "evenhand.db"
    file = LedgerFile(database)
    books = Books(file.load())
    line = books.line(consumer("refused"), M, PRICE)
    budget = Budget(tokens_max=1)
    refused = books.hold(RequestId("req_0"), line, Bound(10, 10), at_ms=1, budget=budget)
    assert isinstance(refused, OverBudget)
    use(books, file, "first", "req_1")
    file.close()

    file = LedgerFile(database)
    books = Books(file.load())
    use(books, file, "second", "req_2")
    use(books, file, "first", "req_3")
    file.close()
    check_books(database)
    accounts = {row["key"]: row["posted_input"] for row in rows(database, "SELECT * FROM account")}
    assert accounts == {"first": 10, "second": 5, "": 15}


def test_a_model_gives_back_no_more_than_it_was_paid() -> None:
    """The consumer has enough on its account, but not of this model."""
    books = Books()
    for model, request in (("m", "req_1"), ("n", "req_2")):
        line = books.line(consumer("a"), ModelName(model), PRICE)
        hold = books.hold(RequestId(request), line, Bound(10, 10), at_ms=1)
        assert isinstance(hold, Hold)
        books.settle(hold, Usage(5, 5), Outcome.COMPLETED, 2, engine=EngineName("e"), units=1)
    correction = Correction(
        consumer=consumer("a"),
        model=M,
        currency="EUR",
        output_tokens=-6,
        reference="c1",
        author="somebody",
        reason="they said so",
    )
    before = books.news
    with pytest.raises(CorrectionRefusedError, match="would leave -1 output tokens"):
        books.correct(correction, 3)
    assert books.news == before
    assert all(account.posted_output >= 0 for account in books.accounts())
