"""The pepper: made once, for its owner alone, and missed when it is lost or exchanged."""

import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from evenhand.stores import Pepper, StateFolder, StateProblemError, pepper_of
from evenhand.stores.pepper import PEPPER
from evenhand.stores.schema import open_to_write


def pepper(folder: StateFolder) -> Pepper:
    connection = open_to_write(folder.database)
    try:
        return pepper_of(folder, connection)
    finally:
        connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    folder = StateFolder(tmp_path / "state")
    folder.make()
    return folder


def test_it_is_made_once_for_its_owner_alone(folder: StateFolder) -> None:
    first = pepper(folder)
    file = folder.path / PEPPER
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_bytes()) == 32
    assert pepper(folder).digest("key") == first.digest("key")
    assert [entry.name for entry in folder.path.iterdir() if entry.name.startswith("pepper")] == [
        "pepper"
    ], "no draft is left"


def test_it_shows_itself_to_nobody(folder: StateFolder) -> None:
    assert repr(pepper(folder)) == "Pepper(****)"
    secret = (folder.path / PEPPER).read_bytes()
    assert secret not in folder.database.read_bytes()


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda file: file.unlink(), "is missing"),
        (lambda file: file.write_bytes(b"x" * 32), "is not the pepper"),
        (lambda file: file.write_bytes(b"x" * 31), "is damaged"),
        (lambda file: file.write_bytes(b"x" * 33), "is damaged"),
        (lambda file: file.chmod(0o640), "chmod 600"),
        (lambda file: (file.unlink(), file.mkdir()), "cannot use"),
    ],
)
def test_a_lost_or_other_pepper_is_noticed(
    folder: StateFolder, harm: Callable[[Path], object], words: str
) -> None:
    pepper(folder)
    harm(folder.path / PEPPER)
    with pytest.raises(StateProblemError, match=words) as found:
        pepper(folder)
    assert str(folder.path) in str(found.value)


def test_a_lost_pepper_is_replaced_where_the_database_has_forgotten_it(folder: StateFolder) -> None:
    before = pepper(folder)
    (folder.path / PEPPER).unlink()
    connection = sqlite3.connect(folder.database, isolation_level=None)
    connection.execute("DELETE FROM pepper")
    connection.close()
    assert pepper(folder).digest("key") != before.digest("key")


def test_many_at_once_make_one(folder: StateFolder) -> None:
    open_to_write(folder.database).close()
    digests: list[bytes] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        digests.append(pepper(folder).digest("key"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(digests) == 8
    assert len(set(digests)) == 1
