"""Group commit: every entry reaches the disk once, whichever call fails; nobody is told too early."""

import asyncio
from pathlib import Path

import pytest

from evenhand.ledger import Books, Bound, Consumer, Hold, Price
from evenhand.model import ApplicationName, EngineName, KeyId, ModelName, Outcome, RequestId, Usage
from evenhand.stores import CommitSettings, GroupCommit, LedgerFile
from support.faulty_disk import FaultyDisk
from support.gateway import becomes
from support.ledger import check_books, rows
from support.on_loop import run_on_loop

CONSUMER = Consumer(("a",), ApplicationName("app"), KeyId("key"))
PRICE = Price(currency="EUR", input=150_000_000, cached_input=15_000_000, output=600_000_000)
QUICK = CommitSettings(interval_ms=1, timeout_ms=5_000, reopen_ms=1)


class Desk:
    """Books and their store, on a disk that may fail."""

    def __init__(self, database: Path, disk: FaultyDisk, settings: CommitSettings = QUICK) -> None:
        self.database = database
        self.disk = disk
        file = LedgerFile(database, disk.connect)
        self.books = Books(file.load())
        self.changes: list[str | None] = []
        self.told: list[bool] = []
        self.made: list[str] = []
        self.store = GroupCommit(
            self.books,
            file,
            lambda: LedgerFile(database, disk.connect),
            asyncio.get_running_loop(),
            settings,
            on_change=self.changes.append,
        )

    def hold(self, number: int) -> Hold:
        hold = self.books.hold(
            RequestId(f"req_{number}"),
            self.books.line(CONSUMER, ModelName("m"), PRICE),
            Bound(100, 50),
            at_ms=number,
        )
        assert isinstance(hold, Hold)
        self.made.append(hold.request)
        self.store.journalled()
        return hold

    def settle(self, hold: Hold) -> None:
        self.books.settle(hold, Usage(80, 60), Outcome.COMPLETED, 1, engine=EngineName("e"))
        self.store.journalled()

    async def recorded(self) -> bool:
        """Wait for the disk; whoever is told True finds all of it there, at that moment."""
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        wanted = set(self.made)

        def tell(is_on_disk: bool) -> None:
            if is_on_disk:
                assert wanted <= {row["request"] for row in rows(self.database)}
            written.set_result(is_on_disk)

        self.store.recorded(tell)
        is_on_disk = await written
        self.told.append(is_on_disk)
        return is_on_disk


async def twenty_requests(desk: Desk) -> None:
    holds: list[Hold] = []
    for number in range(1, 21):
        holds.append(desk.hold(number))
        if number % 5 == 0:
            await desk.recorded()
        if number % 3 == 0:
            desk.books.mark(holds[0], Usage(80, number))
            desk.settle(holds.pop(0))
            await asyncio.sleep(0)
    for hold in holds:
        desk.settle(hold)
    assert await desk.store.close(10_000) == 0


def calls_of_a_sound_disk(database: Path) -> tuple[int, int]:
    """Calls made until the store is open, and in all."""
    disk = FaultyDisk()

    opened: list[int] = []

    async def run() -> None:
        desk = Desk(database, disk)
        opened.append(disk.calls)
        await twenty_requests(desk)
        assert desk.told == [True] * 4

    run_on_loop(run)
    return opened[0], disk.calls


@pytest.mark.parametrize("after", [False, True], ids=["undone", "done but not acknowledged"])
def test_the_nth_store_call_fails_for_every_n(tmp_path: Path, *, after: bool) -> None:
    opened, calls = calls_of_a_sound_disk(tmp_path / "sound.db")
    assert calls > opened + 40
    failed = 0
    for nth in range(opened + 1, calls + 1):
        database = tmp_path / f"{nth}.db"
        disk = FaultyDisk(fail_at=nth, after=after)
        changes: list[str | None] = []

        async def run(database: Path = database, disk: FaultyDisk = disk) -> None:
            desk = Desk(database, disk)
            await twenty_requests(desk)
            changes.extend(desk.changes)  # noqa: B023 - run at once

        run_on_loop(run)
        check_books(database)
        assert len(rows(database)) == 20 * 3
        failed += disk.has_failed
        if disk.has_failed:
            assert changes == ["disk I/O error", None]
    # Batches fall a little differently each time: nearly every n must have been met all the same.
    assert failed > (calls - opened) * 0.8


def test_a_store_that_hangs_counts_as_closed_until_it_answers(tmp_path: Path) -> None:
    async def run() -> None:
        desk = Desk(tmp_path / "a.db", FaultyDisk(), CommitSettings(interval_ms=1, timeout_ms=20))
        blocker = LedgerFile(tmp_path / "a.db")._connection
        blocker.execute("BEGIN IMMEDIATE")  # another process has the database
        desk.hold(1)
        assert not await desk.recorded()
        assert not desk.store.is_open
        assert "longer than 20 ms" in str(desk.store.closed_because)
        assert not await desk.recorded(), "told at once while it is closed"
        blocker.execute("ROLLBACK")
        blocker.close()
        await becomes(lambda: desk.store.is_open)
        assert await desk.recorded()
        assert await desk.store.close(5_000) == 0

    run_on_loop(run)


def test_closing_says_what_could_not_be_written(tmp_path: Path) -> None:
    async def run() -> None:
        settings = CommitSettings(interval_ms=1, timeout_ms=20)
        desk = Desk(tmp_path / "a.db", FaultyDisk(), settings)
        blocker = LedgerFile(tmp_path / "a.db")._connection
        blocker.execute("BEGIN IMMEDIATE")
        desk.hold(1)
        assert not await desk.recorded()
        assert await desk.store.close(50) == 1
        blocker.close()

    run_on_loop(run)
