"""`read_usage` against a recount of the same rows in Python, which knows nothing of its SQL."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from evenhand.stores.schema import open_to_read
from evenhand.stores.usage_line import Group, UsageLine
from evenhand.stores.usage_query import GROUPINGS, UsageQuery, read_usage
from support.ledger import Row, rows
from support.made_ledger import BEGAN_MS, DAY_MS, made_ledger
from support.planted import plant


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("usage") / "evenhand.db"
    made_ledger(file, requests=400, days=60, left_open=7)
    return file


def asked(database: Path, query: UsageQuery) -> dict[Group, UsageLine]:
    with closing(open_to_read(database)) as connection:
        return read_usage(connection, query)


class Recounted:
    """A request as its rows tell it."""

    def __init__(self, transfers: list[Row], accounts: dict[int, Row]) -> None:
        self.hold, *self.rest = transfers
        consumer, model = accounts[self.hold["debit"]], accounts[self.hold["credit"]]
        self.currency = consumer["currency"]
        self.names = {
            **{name: consumer[name] for name in ("tenant", "application", "key")},
            "model": model["model"],
            "engine": "",
            "day": "",
            "month": "",
        }
        self.at_ms: int | None = None
        if self.rest:
            end = self.rest[0]
            self.at_ms = end["at_ms"]
            day = datetime.fromtimestamp(end["at_ms"] / 1000, UTC).date().isoformat()
            self.names |= {"engine": end["engine"] or "", "day": day, "month": day[:7]}

    def count_into(self, line: UsageLine) -> None:
        if not self.rest:
            line.open_requests += 1
            line.held_tokens += self.hold["input_tokens"] + self.hold["output_tokens"]
            if self.currency:
                line.held_nano[self.currency] += self.hold["nano"]
            return
        end = self.rest[0]
        line.outcomes[end["outcome"]] += 1
        line.charged += end["kind"] == "settle"
        line.units += end["units"]
        for row in self.rest:
            line.input_tokens += row["input_tokens"]
            line.cached_input_tokens += row["cached_input_tokens"]
            line.output_tokens += row["output_tokens"]
            line.reasoning_tokens += row["reasoning_tokens"]
            line.gpu_us += row["gpu_us"]
            if end["is_estimate"]:
                line.estimated_tokens += row["input_tokens"] + row["output_tokens"]
            if self.currency:
                line.nano[self.currency] += row["nano"]


def recounted(
    database: Path, by: tuple[str, ...], wanted: Callable[[Recounted], bool]
) -> dict[Group, UsageLine]:
    accounts = {row["number"]: row for row in rows(database, "SELECT * FROM account")}
    lines: defaultdict[Group, UsageLine] = defaultdict(UsageLine)
    for transfers in _by_hold(database):
        request = Recounted(transfers, accounts)
        if wanted(request):
            request.count_into(lines[tuple(request.names[name] for name in by)])
    return dict(lines)


def _by_hold(database: Path) -> Iterator[list[Row]]:
    found: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows(database):
        found[row["id"] // 4].append(row)
    yield from found.values()


@pytest.mark.parametrize(
    "by",
    [*((name,) for name in GROUPINGS), ("tenant", "model"), ("month", "key", "engine", "day")],
    ids=",".join,
)
def test_every_grouping_is_the_recount(database: Path, by: tuple[str, ...]) -> None:
    lines = asked(database, UsageQuery(by=by))
    assert lines == recounted(database, by, lambda _: True)
    assert list(lines) == sorted(lines)
    assert len(lines) > 1


def test_lines_add_up_to_the_accounts(database: Path) -> None:
    total = UsageLine()
    for line in asked(database, UsageQuery(by=("day",))).values():
        total.add(line)
    accounts = rows(database, "SELECT * FROM account WHERE side = 'consumer'")
    assert total.input_tokens == sum(account["posted_input"] for account in accounts)
    assert total.cached_input_tokens == sum(account["posted_cached"] for account in accounts)
    assert total.output_tokens == sum(account["posted_output"] for account in accounts)
    for currency in ("EUR", "USD"):
        of_it = [account for account in accounts if account["currency"] == currency]
        assert total.nano[currency] == sum(account["posted_nano"] for account in of_it) > 0
        assert total.held_nano[currency] == sum(account["held_nano"] for account in of_it)
    assert total.open_requests == 7


FILTERS: list[tuple[dict[str, Any], Callable[[Recounted], bool]]] = [
    ({"tenant": "acme/search"}, lambda r: r.names["tenant"] == "acme/search"),
    ({"tenant": "acme"}, lambda r: r.names["tenant"].split("/")[0] == "acme"),
    ({"application": "chat"}, lambda r: r.names["application"] == "chat"),
    ({"model": "qwen"}, lambda r: r.names["model"] == "qwen"),
    ({"key": "env:ACMEVILLE_CHAT"}, lambda r: r.names["key"] == "env:ACMEVILLE_CHAT"),
    (
        {"tenant": "acme", "model": "free", "application": "batch"},
        lambda r: (
            (r.names["tenant"][:5], r.names["model"], r.names["application"])
            == ("acme/", "free", "batch")
        ),
    ),
]


@pytest.mark.parametrize(
    ("chosen", "wanted"), FILTERS, ids=lambda value: str(value) if isinstance(value, dict) else ""
)
def test_filters_choose(
    database: Path, chosen: dict[str, Any], wanted: Callable[[Recounted], bool]
) -> None:
    by = ("tenant", "key", "model")
    assert asked(database, UsageQuery(by=by, **chosen)) == recounted(database, by, wanted)


def test_periods_are_half_open_and_hold_what_ended_in_them(database: Path) -> None:
    ends = sorted(row["at_ms"] for row in rows(database) if row["id"] % 4 == 1)
    first, last = ends[40], ends[300]  # on the millisecond: the first is in, the last is not
    query = UsageQuery(by=("model",), from_ms=first, to_ms=last, with_open=False)
    wanted = recounted(
        database, ("model",), lambda r: r.at_ms is not None and first <= r.at_ms < last
    )
    assert asked(database, query) == wanted


def test_days_divide_the_whole(database: Path) -> None:
    by = ("tenant", "model")
    whole = UsageLine()
    for line in asked(database, UsageQuery(by=by, with_open=False)).values():
        whole.add(line)
    pieces = UsageLine()
    for day in range(70):
        from_ms = BEGAN_MS + day * DAY_MS
        query = UsageQuery(by=by, from_ms=from_ms, to_ms=from_ms + DAY_MS, with_open=False)
        for line in asked(database, query).values():
            pieces.add(line)
    assert pieces == whole


def test_a_mutated_transfer_changes_the_answer(database: Path, tmp_path: Path) -> None:
    """A control: the comparison can fail."""
    copy = tmp_path / "copy.db"
    copy.write_bytes(database.read_bytes())
    before = asked(copy, UsageQuery(by=("model",)))
    plant(copy, "UPDATE transfer SET units = units + 1 WHERE kind = 'settle' AND id % 8 = 1")
    assert asked(copy, UsageQuery(by=("model",))) != before


def test_no_requests_no_lines(tmp_path: Path) -> None:
    made_ledger(tmp_path / "evenhand.db", requests=1, days=1, left_open=0)
    assert asked(tmp_path / "evenhand.db", UsageQuery(by=("day",), tenant="nobody")) == {}


def test_outcomes_add_up_to_requests(database: Path) -> None:
    for line in asked(database, UsageQuery(by=("tenant",))).values():
        assert line.completed + line.cut_short + line.not_charged == line.requests
        assert Counter(line.outcomes).total() == line.requests
        assert min(line.completed, line.cut_short, line.not_charged) > 0
