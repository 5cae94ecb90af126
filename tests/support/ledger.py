"""A real ledger for tests, and a recount of its rows that uses none of its code."""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from evenhand.gateway.bookkeeping import BookingSettings, Bookkeeper
from evenhand.ledger import Books
from evenhand.stores import CommitSettings, GroupCommit, LedgerFile
from evenhand.stores.audit import audit
from evenhand.stores.schema import open_to_read

Row = dict[str, Any]


def bookkeeper(
    database: Path,
    loop: asyncio.AbstractEventLoop,
    settings: BookingSettings | None = None,
    *,
    commit: CommitSettings | None = None,
) -> Bookkeeper:
    """As `evenhand serve` builds it."""
    file = LedgerFile(database)
    books = Books(file.load())
    store = GroupCommit(books, file, lambda: LedgerFile(database), loop, commit or CommitSettings())
    return Bookkeeper(books, store, settings or BookingSettings(), loop)


def rows(database: Path, query: str = "SELECT * FROM transfer ORDER BY id") -> list[Row]:
    """Read as anybody could, beside whoever writes."""
    connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(query)]
    finally:
        connection.close()


def resolutions(database: Path) -> dict[str, list[Row]]:
    """For each request, in order: its hold, what resolved it, and its excess if there is one."""
    by_number: dict[int, list[Row]] = defaultdict(list)
    for row in rows(database, "SELECT * FROM transfer WHERE kind <> 'correct' ORDER BY id"):
        by_number[row["id"] // 4].append(row)
    return {
        transfers[0]["request"]: transfers
        for transfers in by_number.values()
        if transfers[0]["kind"] != "correct"
    }


def used(transfers: Iterable[Row]) -> tuple[int, int, int]:
    """Input, cached input and output tokens that were posted."""
    posted = [row for row in transfers if row["kind"] in {"settle", "excess"}]
    return (
        sum(row["input_tokens"] for row in posted),
        sum(row["cached_input_tokens"] for row in posted),
        sum(row["output_tokens"] for row in posted),
    )


def check_books(database: Path, *, open_holds: int = 0) -> None:
    """Every hold has exactly one resolution and the balances are the sums of the transfers."""
    still_open = 0
    sums: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows(database, "SELECT * FROM transfer WHERE kind = 'correct'"):
        _post(sums, row)
    for transfers in resolutions(database).values():
        hold, *rest = transfers
        # The time of GPUs may follow, once it is known.
        kinds = [row["kind"] for row in rest if row["kind"] != "gpu_time"]
        assert hold["kind"] == "hold"
        assert kinds in ([], ["settle"], ["settle", "excess"], ["void"], ["expire"]), kinds
        still_open += not rest
        for row in rest:
            assert row["debit"] == hold["debit"]
            assert row["credit"] == hold["credit"]
            _post(sums, row)
        for side in ("debit", "credit"):
            balance = sums[hold[side]]
            if not rest:
                balance["held_input"] += hold["input_tokens"]
                balance["held_output"] += hold["output_tokens"]
                balance["held_nano"] += hold["nano"]
        if rest:
            assert rest[0]["input_tokens"] <= hold["input_tokens"]
            assert rest[0]["output_tokens"] <= hold["output_tokens"]
            assert rest[0]["nano"] <= hold["nano"]
    assert still_open == open_holds
    check_audit(database)
    _check_balances(database, sums)


def _post(sums: Mapping[int, dict[str, int]], row: Row) -> None:
    for side in ("debit", "credit"):
        balance = sums[row[side]]
        balance["posted_input"] += row["input_tokens"]
        balance["posted_cached"] += row["cached_input_tokens"]
        balance["posted_output"] += row["output_tokens"]
        balance["posted_nano"] += row["nano"]
        balance["posted_reasoning"] += row["reasoning_tokens"]
        balance["posted_gpu_us"] += row["gpu_us"]


def check_audit(database: Path) -> None:
    """What `evenhand ledger audit` runs finds no fault: on every database that a test makes."""
    with closing(open_to_read(database)) as connection:
        found = audit(connection)
    assert not found.faults, found.results


def check_against(database: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """What the log says of each request is what the ledger has of it, once."""
    booked = resolutions(database)
    for record in records:
        transfers = booked.pop(record["request_id"], None)
        tokens = (
            record["input_tokens"],
            record["cached_input_tokens"],
            record["output_tokens"],
        )
        if transfers is None:
            assert not any(tokens), "used, and not booked"
            assert not record["dispatches"]
            continue
        assert used(transfers) == tokens
        assert transfers[1]["units"] == record["units"]
    assert not booked, "booked, and never ended"


def _check_balances(database: Path, sums: Mapping[int, Mapping[str, int]]) -> None:
    names = ("input", "cached", "output", "nano", "reasoning", "gpu_us")
    sides = {"consumer": [0] * 6, "model": [0] * 6}
    for account in rows(database, "SELECT * FROM account"):
        wanted = sums[account["number"]]
        for name in names:
            assert account[f"posted_{name}"] == wanted.get(f"posted_{name}", 0), account
            if name in ("input", "output", "nano"):
                assert account[f"held_{name}"] == wanted.get(f"held_{name}", 0), account
        for position, name in enumerate(names):
            sides[account["side"]][position] += account[f"posted_{name}"]
    assert sides["consumer"] == sides["model"], "debits are not credits"
