"""Backup and restore of the state database, file by file."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from evenhand.stores import LedgerFile, StateFolder, StateProblemError
from evenhand.stores.backup import back_up
from evenhand.stores.migrations import MIGRATIONS
from evenhand.stores.restore import restore
from evenhand.stores.schema import APPLICATION_ID, VERSION
from support.ledger import check_books, rows
from support.made_ledger import made_ledger
from support.planted import plant

LABEL = "20261125T120000Z"


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    state = StateFolder(tmp_path / "state")
    state.make()
    made_ledger(state.database)
    return state


@pytest.fixture
def backup(folder: StateFolder, tmp_path: Path) -> Path:
    file = tmp_path / "backup.db"
    back_up(folder, file, may_replace=False)
    return file


def names(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def test_a_backup_is_one_private_file_with_all_in_it(folder: StateFolder, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    copy = back_up(folder, file, may_replace=False)
    assert rows(file) == rows(folder.database)
    check_books(file, open_holds=3)
    assert copy.bytes == file.stat().st_size
    assert copy.audit.transfers == len(rows(file))
    assert copy.audit.seq > 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["backup.db", "state"]


def test_a_backup_beside_an_open_transaction_has_what_was_committed(
    folder: StateFolder, tmp_path: Path
) -> None:
    before = rows(folder.database)
    with closing(sqlite3.connect(folder.database, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO mark VALUES (7, 1, 0, 1, 0, 0)")
        back_up(folder, tmp_path / "backup.db", may_replace=False)
        writer.execute("COMMIT")
    assert rows(tmp_path / "backup.db") == before
    assert len(rows(tmp_path / "backup.db", "SELECT * FROM mark")) == 1


def test_a_file_that_is_there_is_kept_unless_told_otherwise(
    folder: StateFolder, backup: Path
) -> None:
    content = backup.read_bytes()
    plant(folder.database, "UPDATE transfer SET at_ms = at_ms + 1")
    with pytest.raises(StateProblemError, match="--force"):
        back_up(folder, backup, may_replace=False)
    assert backup.read_bytes() == content
    back_up(folder, backup, may_replace=True)
    assert rows(backup) == rows(folder.database)


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("nowhere/backup.db", "there is no folder .*nowhere: make it"),
        ("state/backup.db", "is the state folder itself"),
        ("state/evenhand.db", "is the state folder itself"),
        ("state", "is a folder: name a file in it"),
    ],
)
def test_places_that_are_no_good(folder: StateFolder, tmp_path: Path, place: str, why: str) -> None:
    before = folder.database.read_bytes()
    with pytest.raises(StateProblemError, match=why):
        back_up(folder, tmp_path / place, may_replace=True)
    assert folder.database.read_bytes() == before


def test_a_database_with_a_fault_gives_no_backup(folder: StateFolder, tmp_path: Path) -> None:
    plant(folder.database, "UPDATE account SET posted_nano = posted_nano + 1 WHERE number = 1")
    with pytest.raises(StateProblemError, match=r"fails the audit \(account 1: posted_nano"):
        back_up(folder, tmp_path / "backup.db", may_replace=False)
    assert names(tmp_path) == ["state"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk can be mounted by root alone")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_leaves_no_half_backup(folder: StateFolder, small_disk: Path) -> None:
    made_ledger(folder.database, requests=600, seed=2, left_open=0)
    assert folder.database.stat().st_size > 2 * 64 * 1024
    with pytest.raises(StateProblemError, match=r"full\): make room, or choose another place"):
        back_up(folder, small_disk / "backup.db", may_replace=False)
    assert names(small_disk) == []


def test_a_restored_database_is_the_backup_and_the_old_one_is_kept(
    folder: StateFolder, backup: Path
) -> None:
    made_ledger(folder.database, requests=20, seed=9, left_open=1)
    lost = rows(folder.database)
    assert len(lost) > len(rows(backup))
    restored = restore(folder, backup, label=LABEL, may_replace=True)
    assert rows(folder.database) == rows(backup)
    assert restored.kept == folder.path / f"evenhand.db.replaced-{LABEL}"
    assert rows(restored.kept) == lost
    assert names(folder.path) == ["evenhand.db", restored.kept.name, "gateway.lock"]
    file = LedgerFile(folder.database)  # as a gateway opens it
    assert len(file.load().open_holds) == 3
    file.close()
    assert not folder.is_in_use()


def test_what_stood_in_the_old_log_alone_is_kept_and_meets_the_new_database_never(
    folder: StateFolder, backup: Path
) -> None:
    """As after a kill: the last commits are in evenhand.db-wal."""
    with closing(sqlite3.connect(folder.database)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.execute("UPDATE ledger SET seq = 4711")
        writer.commit()
        stood = {path: path.read_bytes() for path in folder.path.iterdir()}
    for path, content in stood.items():
        path.write_bytes(content)
    assert Path(f"{folder.database}-wal").stat().st_size > 0
    restored = restore(folder, backup, label=LABEL, may_replace=True)
    assert restored.kept is not None
    assert rows(restored.kept, "SELECT seq FROM ledger") == [{"seq": 4711}]
    assert rows(folder.database, "SELECT * FROM ledger") == rows(backup, "SELECT * FROM ledger")
    assert names(folder.path) == ["evenhand.db", restored.kept.name, "gateway.lock"]


def test_a_damaged_database_is_replaced_and_kept_with_its_log(
    folder: StateFolder, backup: Path
) -> None:
    folder.database.write_bytes(b"no database" * 1000)
    log, shared = (Path(f"{folder.database}{suffix}") for suffix in ("-wal", "-shm"))
    log.write_bytes(b"its log")
    shared.write_bytes(b"an index of it")
    restored = restore(folder, backup, label=LABEL, may_replace=True)
    assert restored.kept is not None
    assert restored.kept.read_bytes() == b"no database" * 1000
    assert Path(f"{restored.kept}-wal").read_bytes() == b"its log"
    assert rows(folder.database) == rows(backup)
    assert not log.exists()
    assert not shared.exists()


def test_into_an_empty_folder(tmp_path: Path, backup: Path) -> None:
    elsewhere = StateFolder(tmp_path / "other" / "state")
    restored = restore(elsewhere, backup, label=LABEL, may_replace=False)
    assert restored.kept is None
    assert rows(elsewhere.database) == rows(backup)
    assert elsewhere.database.stat().st_mode & 0o777 == 0o600


def refuses(folder: StateFolder, backup: Path, why: str, *, may_replace: bool = True) -> None:
    before, content = names(folder.path), folder.database.read_bytes()
    with pytest.raises(StateProblemError, match=why):
        restore(folder, backup, label=LABEL, may_replace=may_replace)
    assert folder.database.read_bytes() == content
    assert set(names(folder.path)) - {"gateway.lock"} == set(before) - {"gateway.lock"}


def test_it_does_not_replace_unasked(folder: StateFolder, backup: Path) -> None:
    refuses(folder, backup, "--force", may_replace=False)


def test_it_does_not_touch_a_folder_in_use(folder: StateFolder, backup: Path) -> None:
    gateway = StateFolder(folder.path)
    gateway.lock()
    assert folder.is_in_use()
    refuses(folder, backup, "in use by another gateway: stop that one first")
    gateway.unlock()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_it_leaves_no_files_in_the_folder_of_another_user(
    folder: StateFolder, backup: Path
) -> None:
    os.chown(folder.path, 65534, -1)
    refuses(folder, backup, "is user 65534's: run this as that user")


def test_it_takes_sound_backups_of_its_own_kind_alone(
    folder: StateFolder, backup: Path, tmp_path: Path
) -> None:
    refuses(folder, tmp_path / "nowhere", "there is no file")
    other = tmp_path / "other.db"
    other.write_bytes(b"a text, and long enough to be looked at" * 200)
    refuses(folder, other, "cannot be read")
    other.unlink()
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE others (x)")
    refuses(folder, other, "is a database of something else")

    newer = Path(shutil.copy(backup, tmp_path / "newer.db"))
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("PRAGMA user_version = 1000")
    refuses(folder, newer, "has schema 1000")

    faulty = Path(shutil.copy(backup, tmp_path / "faulty.db"))
    plant(faulty, "UPDATE account SET held_nano = held_nano + 1 WHERE number = 1")
    refuses(folder, faulty, "fails the audit")

    cut = tmp_path / "cut.db"
    cut.write_bytes(backup.read_bytes()[: backup.stat().st_size // 2])
    refuses(folder, cut, "fails the audit|damaged|cannot be read")


@pytest.mark.parametrize("version", range(1, VERSION))
def test_a_backup_from_before_an_upgrade_is_taken_and_brought_up_to_date(
    folder: StateFolder, tmp_path: Path, version: int
) -> None:
    older = tmp_path / "older.db"
    with closing(sqlite3.connect(older)) as connection:
        for migration in MIGRATIONS[:version]:
            connection.executescript(migration)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {version}")
    restore(folder, older, label=LABEL, may_replace=True)
    LedgerFile(folder.database).close()
    assert rows(folder.database, "PRAGMA user_version") == [{"user_version": VERSION}]


def test_an_empty_file_is_no_backup(folder: StateFolder, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    refuses(folder, tmp_path / "empty.db", "fails the audit")
