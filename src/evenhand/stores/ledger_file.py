"""The ledger's rows: batches in, the books as of the last batch out."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from evenhand.ledger import Batch, Mark, OpenHold, Snapshot, Transfer
from evenhand.ledger.batch import AccountRow, DayRow, PriceRow
from evenhand.ledger.day_sum import DAY_MS, DAYS_KEPT
from evenhand.ledger.transfer import STEPS_PER_REQUEST
from evenhand.stores.problem import StateProblemError
from evenhand.stores.schema import Connect, connect, open_to_write

_ROWS_PER_STATEMENT = (64, 16, 4, 1)
"""Many rows a statement, because the interpreter's lock is let go and taken again for each one."""

_TRANSFER = ", ".join(Transfer._fields)

_BALANCES = [name for name in AccountRow._fields if name.startswith(("posted_", "held_"))]
_BALANCES_ONLY = " ON CONFLICT (number) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in _BALANCES
)


class LedgerFile:
    """Opens at once. Use from one thread at a time. After any error of `commit` but a repetition the
    file is not to be used again: close it and open anew."""

    def __init__(self, database: Path, open_uri: Connect = connect) -> None:
        """Raises StateProblemError or sqlite3.Error."""
        self._connection = open_to_write(database, open_uri)

    def commit(self, batch: Batch) -> None:
        """Write a batch; it is on disk when this returns. One that is there already is a no-op.

        Raises sqlite3.Error where the disk fails, StateProblemError where batches are missing;
        whether it was written is then unknown, and opening anew will tell.
        """
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        (seq,) = connection.execute("SELECT seq FROM ledger").fetchone()
        if seq >= batch.seq:
            connection.execute("ROLLBACK")
            return
        _expect(seq, batch)
        self._write(batch)
        connection.execute("COMMIT")

    def load(self) -> Snapshot:
        """The books as of the last batch."""
        connection = self._connection
        seq, open_from = connection.execute("SELECT seq, open_from FROM ledger").fetchone()
        (last_id,) = connection.execute("SELECT max(id) FROM transfer").fetchone()
        numbers = 0 if last_id is None else last_id // STEPS_PER_REQUEST
        last_hold = connection.execute(
            "SELECT at_ms FROM transfer WHERE id = ?", (numbers * STEPS_PER_REQUEST,)
        ).fetchone()
        held_ms = 0 if last_hold is None else int(last_hold[0])
        open_holds = tuple(self._open_holds(open_from))
        # Of holds that were left open the days too, however long ago.
        first_ms = min(
            [held_ms - DAYS_KEPT * DAY_MS, *(left.transfer.at_ms for left in open_holds)]
        )
        days = connection.execute("SELECT * FROM account_day WHERE day >= ?", (first_ms // DAY_MS,))
        return Snapshot(
            seq=seq,
            numbers=numbers,
            accounts=tuple(map(AccountRow._make, connection.execute("SELECT * FROM account"))),
            prices=tuple(map(PriceRow._make, connection.execute("SELECT * FROM price"))),
            open_holds=open_holds,
            held_ms=held_ms,
            days=tuple(map(DayRow._make, days)),
        )

    def close(self) -> None:
        """Let go of the file; what was committed stays."""
        self._connection.close()

    def _write(self, batch: Batch) -> None:
        connection = self._connection
        self._insert("INSERT INTO price", batch.prices)
        self._insert("INSERT INTO account", batch.accounts, _BALANCES_ONLY)
        self._insert("INSERT OR REPLACE INTO account_day", batch.days)
        transfers = [(*transfer, batch.seq) for transfer in batch.transfers]
        self._insert(f"INSERT INTO transfer ({_TRANSFER}, batch)", transfers)
        self._insert("INSERT INTO correction", batch.corrections)
        self._insert("INSERT OR REPLACE INTO mark", batch.marks)
        if batch.unmarked:
            numbers = ((number,) for number in batch.unmarked)
            connection.executemany("DELETE FROM mark WHERE number = ?", numbers)
        connection.execute("UPDATE ledger SET seq = ?, open_from = ?", (batch.seq, batch.open_from))

    def _insert(self, into: str, rows: Sequence[tuple[Any, ...]], then: str = "") -> None:
        done = 0
        for size in _ROWS_PER_STATEMENT:
            while len(rows) - done >= size:
                piece = rows[done : done + size]
                statement = _statement(into, size, len(piece[0]), then)
                self._connection.execute(statement, list(chain.from_iterable(piece)))
                done += size

    def _open_holds(self, open_from: int) -> Iterator[OpenHold]:
        marks = {
            mark[0]: Mark._make(mark) for mark in self._connection.execute("SELECT * FROM mark")
        }
        rows = self._connection.execute(
            f"SELECT {_TRANSFER} FROM transfer AS hold "  # noqa: S608 - names of fields
            "WHERE id >= ? AND kind = 'hold' "
            "AND NOT EXISTS (SELECT 1 FROM transfer WHERE id = hold.id + 1)",
            (open_from * STEPS_PER_REQUEST,),
        )
        for row in rows:
            hold = Transfer._make(row)
            yield OpenHold(hold, marks.get(hold.id // STEPS_PER_REQUEST))


@cache
def _statement(into: str, rows: int, columns: int, then: str) -> str:
    """Bounded by the tables times the row counts above."""
    row = f"({','.join('?' * columns)})"
    return f"{into} VALUES {','.join([row] * rows)}{then}"


def _expect(seq: int, batch: Batch) -> None:
    if seq != batch.seq - 1:
        message = (
            f"the database is at batch {seq}, and the gateway at {batch.seq}: something else has "
            "written or replaced it; restart the gateway"
        )
        raise StateProblemError(message)
