"""How the state database is opened: made, brought up to date, or refused without a byte written."""

import hashlib
import sqlite3
import stat
from pathlib import Path

import pytest

from evenhand.stores import LedgerFile, StateFolder, StateProblemError
from evenhand.stores.schema import VERSION, open_to_read, open_to_write
from support.faulty_disk import FaultyDisk


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "evenhand.db"


def everything_in(folder: Path) -> dict[str, str]:
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.iterdir()
        if not file.name.endswith(("-shm", "-wal"))
    }


def test_a_new_database_is_durable_private_and_ours(database: Path) -> None:
    connection = open_to_write(database)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    files = list(database.parent.iterdir())
    assert len(files) == 3, "write-ahead log and its index beside it"
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    connection.close()


def test_a_newer_schema_is_refused_and_not_written(database: Path) -> None:
    connection = open_to_write(database)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    before = everything_in(database.parent)
    for open_it in (open_to_write, open_to_read, LedgerFile):
        with pytest.raises(StateProblemError, match="run the newer version again"):
            open_it(database)
    assert everything_in(database.parent) == before


def test_somebody_elses_database_is_refused_and_not_written(database: Path) -> None:
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = everything_in(database.parent)
    with pytest.raises(StateProblemError, match="choose another state"):
        open_to_write(database)
    assert everything_in(database.parent) == before


def test_a_file_that_is_no_database_is_refused_and_not_written(database: Path) -> None:
    database.write_bytes(b"not a database at all, " * 100)
    before = everything_in(database.parent)
    with pytest.raises(StateProblemError, match="restore a backup"):
        open_to_write(database)
    assert everything_in(database.parent) == before


def test_reading_what_is_not_there_says_so(database: Path) -> None:
    with pytest.raises(StateProblemError, match="has a gateway run"):
        open_to_read(database)
    assert not database.exists()


def test_opening_fails_whole_at_every_call_and_succeeds_after(tmp_path: Path) -> None:
    sound = FaultyDisk()
    LedgerFile(tmp_path / "sound.db", sound.connect).close()
    assert sound.calls > 10
    for nth in range(1, sound.calls + 1):
        for after in (False, True):
            database = tmp_path / f"{nth}-{after}.db"
            with pytest.raises((sqlite3.Error, StateProblemError)):
                LedgerFile(database, FaultyDisk(fail_at=nth, after=after).connect).close()
            file = LedgerFile(database)
            assert file.load().seq == 0
            file.close()


def test_transfers_are_never_changed_or_deleted(database: Path) -> None:
    connection = open_to_write(database)
    connection.execute("INSERT INTO transfer VALUES (4,'hold',1,1,2,1,0,1,0,'r',1,0,0,0,0,0,0,1)")
    for statement in ("UPDATE transfer SET nano = 0", "DELETE FROM transfer"):
        with pytest.raises(sqlite3.IntegrityError, match="never"):
            connection.execute(statement)
    connection.close()


def test_one_gateway_a_folder(tmp_path: Path) -> None:
    first, second = StateFolder(tmp_path / "state"), StateFolder(tmp_path / "state")
    first.make()
    first.lock()
    with pytest.raises(StateProblemError, match="in use by another gateway"):
        second.lock()
    first.unlock()
    second.lock()
    second.unlock()
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateProblemError, match="choose another state"):
        StateFolder(tmp_path / "file" / "state").make()
