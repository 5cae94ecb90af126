"""Each check of the audit catches the fault that it is for, and a sound database passes all."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from evenhand.stores import LedgerFile
from evenhand.stores.audit import CHECKS, Audit, audit
from evenhand.stores.schema import open_to_read
from support.made_ledger import made_ledger
from support.planted import plant, unguarded

TITLES = [check.title for check in CHECKS]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("audit") / "evenhand.db"
    made_ledger(file, with_corrections=True)
    return file


@pytest.fixture
def database(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "evenhand.db"))


def found(database: Path, *, may_have_open: bool = True) -> Audit:
    with closing(open_to_read(database)) as connection:
        return audit(connection, may_have_open=lambda: may_have_open)


def caught(database: Path) -> dict[str, tuple[str, ...]]:
    """What was told, by the titles of the checks that found something."""
    return {check.title: looked.told for check, looked in found(database).results if looked.found}


def test_a_sound_database_passes(database: Path) -> None:
    result = found(database)
    assert result.faults == 0
    assert caught(database) == {}
    assert result.transfers > 400
    assert len(result.open_requests) == 3
    assert sum(hold.is_marked for hold in result.open_requests) == 1
    assert all(hold.tenant and hold.model and hold.tokens for hold in result.open_requests)


def test_an_empty_database_passes(tmp_path: Path) -> None:
    LedgerFile(tmp_path / "evenhand.db").close()
    assert caught(tmp_path / "evenhand.db") == {}


def test_open_holds_are_a_fault_while_no_gateway_runs(database: Path) -> None:
    result = found(database, may_have_open=False)
    assert result.faults == 3
    check, looked = result.results[-1]
    assert check.title == "open holds belong to a running gateway"
    assert "no gateway runs" in looked.told[0]


_ROWS = {
    "settled": "(SELECT id FROM transfer WHERE engine IS NOT NULL AND nano > 0 LIMIT 1)",
    "open": "(SELECT max(id) FROM transfer)",
}
_PLANTED: dict[str, tuple[str, ...]] = {
    "tables and guards are as this version makes them": (
        "CREATE TRIGGER other AFTER INSERT ON transfer BEGIN SELECT 1; END",
    ),
    "every id fits its kind, so a hold is resolved once": (
        "UPDATE transfer SET kind = 'excess' WHERE id = {settled}",
        "UPDATE transfer SET kind = 'gift' WHERE id = {open}",
    ),
    "whatever is resolved was held": (
        "DELETE FROM transfer WHERE id = {settled} - 1",
        (
            "DELETE FROM transfer WHERE kind = 'settle' AND id = (SELECT min(id) - 1 FROM "
            "transfer WHERE kind = 'excess')"
        ),
    ),
    "no hold is missing": ("DELETE FROM transfer WHERE id / 4 = 20",),
    "every request is held once": (
        (
            "UPDATE transfer SET request = (SELECT request FROM transfer WHERE id = 4) WHERE "
            "id = {open}"
        ),
        "UPDATE transfer SET request = NULL WHERE id = {open}",
        "UPDATE transfer SET request = 'req_x' WHERE id = {settled}",
    ),
    "balances of days are the sums of what was held on them": (
        "UPDATE account_day SET posted_nano = posted_nano + 1 WHERE posted_nano > 0",
        "UPDATE account_day SET day = day + 100",
        "DELETE FROM account_day WHERE posted_tokens > 0",
        "UPDATE transfer SET at_ms = at_ms - 864000000 WHERE id = {settled} - 1",
    ),
    "every transfer is between its two accounts": (
        "UPDATE transfer SET debit = credit WHERE id = {open}",
        "UPDATE transfer SET debit = debit + 1 WHERE id = {settled}",
        "UPDATE transfer SET price = 99 WHERE id = {open}",
        "UPDATE price SET currency = 'GBP' WHERE number = 1",
    ),
    "what was posted was held, or is an excess": (
        "UPDATE transfer SET output_tokens = output_tokens + 9999 WHERE id = {settled}",
        "UPDATE transfer SET input_tokens = 1 WHERE kind = 'void'",
        "UPDATE transfer SET reasoning_tokens = output_tokens + 1 WHERE id = {settled}",
        "UPDATE transfer SET gpu_us = 1 WHERE id = {settled}",
        "UPDATE transfer SET input_tokens = 1 WHERE kind = 'gpu_time'",
        "UPDATE transfer SET cached_input_tokens = 1 WHERE id = {open}",
        (
            "UPDATE transfer SET output_tokens = output_tokens - 1 WHERE kind = 'settle' AND "
            "id IN (SELECT id - 1 FROM transfer WHERE kind = 'excess' AND output_tokens > 0)"
        ),
    ),
    "money is price times tokens": (
        "UPDATE transfer SET nano = nano + 1 WHERE id = {settled}",
        "UPDATE transfer SET nano = nano + 1 WHERE kind = 'excess'",
        "UPDATE transfer SET nano = nano + 1 WHERE kind = 'hold'",
        "UPDATE price SET output = output + 1 WHERE currency <> ''",
        "UPDATE price SET reasoning = reasoning + 1000000 WHERE reasoning > output",
        "UPDATE price SET request = request + 1 WHERE request > 0",
        "UPDATE transfer SET gpu_us = gpu_us + 1000000 WHERE kind = 'gpu_time'",
        "UPDATE transfer SET nano = nano + 1 WHERE kind = 'gpu_time'",
    ),
    "every correction says who and why": (
        "UPDATE correction SET reason = ''",
        "DELETE FROM correction",
        "UPDATE correction SET request = 'req_unknown' WHERE request IS NOT NULL",
        "UPDATE correction SET transfer = 4 WHERE request IS NULL",
    ),
    "accounts name their owners": (
        "UPDATE account SET side = 'model' WHERE number = 1",
        "UPDATE account SET tenant = '' WHERE side = 'consumer'",
    ),
    "posted balances are the sums of transfers": (
        "UPDATE account SET posted_nano = posted_nano + 1 WHERE number = 1",
        "UPDATE account SET posted_gpu_us = posted_gpu_us + 1 WHERE number = 1",
        "UPDATE account SET posted_reasoning = posted_reasoning - 1 WHERE posted_reasoning > 0",
        "DELETE FROM account WHERE number = 1",
    ),
    "held balances are the sums of open holds": (
        "UPDATE account SET held_output = held_output + 1 WHERE number = 2",
        "DELETE FROM transfer WHERE id = {open}",
    ),
    "consumers were debited what models were credited": (
        "UPDATE account SET posted_output = posted_output + 1 WHERE side = 'model'",
    ),
    "every outcome is known and fits": (
        "UPDATE transfer SET outcome = 'wonderful' WHERE id = {settled}",
        "UPDATE transfer SET outcome = 'completed' WHERE kind = 'expire'",
        "UPDATE transfer SET outcome = 'gateway_died' WHERE kind = 'void'",
        "UPDATE transfer SET engine = NULL WHERE id = {settled}",
        "UPDATE transfer SET units = -1 WHERE id = {settled}",
        "UPDATE transfer SET is_estimate = 2 WHERE id = {settled}",
        "UPDATE transfer SET outcome = 'completed' WHERE id = {open}",
    ),
    "marks are of open holds": (
        "INSERT INTO mark VALUES (1, 1, 0, 1, 0, 0)",
        "UPDATE mark SET number = 100000",
        "UPDATE mark SET cached_input_tokens = input_tokens + 1",
        "UPDATE mark SET reasoning_tokens = output_tokens + 1",
    ),
    "the next start finds every open hold": (
        "UPDATE ledger SET open_from = {open} / 4",
        "UPDATE ledger SET open_from = 0",
        "UPDATE ledger SET seq = 0",
        "DELETE FROM ledger",
    ),
    "GPU time is the wall time of the GPUs": (
        "INSERT INTO gpu_engine VALUES ('gpu0', 0, 7, 7)",
        "INSERT INTO gpu_time VALUES ('gpu0', 0, 'idle', '', '', '', '', 0, '', 7)",
    ),
    "times are plausible": (
        "UPDATE transfer SET at_ms = at_ms - 86400000 WHERE id = {settled}",
        "UPDATE transfer SET at_ms = 32503680000000 WHERE id = {open}",
        "UPDATE transfer SET at_ms = 9223372036854775807 WHERE id = {open}",
    ),
}
"""Statements by the title of the check that must see what they do."""


@pytest.mark.parametrize(
    ("title", "statement"),
    [(title, statement) for title, statements in _PLANTED.items() for statement in statements],
)
def test_each_check_catches_its_fault(database: Path, title: str, statement: str) -> None:
    assert plant(database, statement.format(**_ROWS)) != 0
    told = caught(database)
    assert title in told
    assert all(len(text) > 10 for text in told[title])


def test_a_missing_guard_is_caught(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP TRIGGER transfers_stay")
    title = "tables and guards are as this version makes them"
    assert caught(database) == {title: ("the trigger transfers_stay is missing",)}


def test_a_changed_table_is_caught(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("ALTER TABLE transfer ADD COLUMN note TEXT")
    assert "the table transfer is not as" in str(caught(database))


def test_a_damaged_page_is_caught(database: Path) -> None:
    content = bytearray(database.read_bytes())
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_account_1'"
        (page,) = connection.execute(query).fetchone()
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    start = (page - 1) * page_bytes
    content[start + 16 : start + 64] = b"\xff" * 48
    database.write_bytes(content)
    assert "the file is undamaged" in caught(database)


def test_a_table_that_cannot_be_read_is_a_fault_of_each_check_that_needs_it(
    database: Path,
) -> None:
    content = bytearray(database.read_bytes())
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT rootpage FROM sqlite_schema WHERE name = 'transfer'"
        (page,) = connection.execute(query).fetchone()
    start = (page - 1) * 4096
    content[start : start + 4096] = b"\x77" * 4096
    database.write_bytes(content)
    told = caught(database)
    assert "posted balances are the sums of transfers" in told
    assert told["money is price times tokens"] == ("database disk image is malformed",)


def test_more_faults_are_counted_than_told(database: Path) -> None:
    plant(database, "UPDATE account SET posted_nano = posted_nano + 1")
    looked = {check.title: looked for check, looked in found(database).results}
    assert looked["posted balances are the sums of transfers"].found > 5
    assert len(looked["posted balances are the sums of transfers"].told) == 5


def test_every_check_has_a_planted_fault() -> None:
    by_other_means = {"the file is undamaged"}
    assert _PLANTED.keys() | by_other_means == set(TITLES)


def test_all_is_of_one_moment(database: Path) -> None:
    """What is committed while it looks, it does not see."""

    def meanwhile() -> bool:
        plant(database, "UPDATE account SET posted_nano = posted_nano + 1 WHERE number = 1")
        return True

    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    with closing(open_to_read(database)) as connection:
        assert audit(connection, may_have_open=meanwhile).faults == 0
        assert audit(connection).faults > 0


def test_large_products_stay_exact(tmp_path: Path) -> None:
    """Prices and tokens whose product no 64-bit integer holds."""
    database = tmp_path / "evenhand.db"
    made_ledger(database, requests=1, days=1, left_open=0, seed=3)
    most = 10**18
    with unguarded(database) as connection:
        connection.execute(
            "UPDATE price SET input = ?, cached_input = ?, output = ?, reasoning = ?, request = 0",
            (most,) * 4,
        )
        connection.execute(
            "UPDATE transfer SET nano = (input_tokens + output_tokens) * 1000000000000 "
            "WHERE kind <> 'gpu_time'"
        )
    assert "money is price times tokens" not in caught(database)
