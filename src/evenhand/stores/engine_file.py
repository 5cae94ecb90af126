"""What is kept of engines on disk: the account of their GPU time, and what they have counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from evenhand.ledger.gpu import GpuOwner, GpuPrice
from evenhand.ledger.reconciliation import EngineCount
from evenhand.model import EngineName
from evenhand.stores.count_rows import thin_counts, write_counts
from evenhand.stores.problem import StateProblemError
from evenhand.stores.schema import Connect, connect, open_to_write


class GpuRow(NamedTuple):
    """To what a sum of GPU time belongs. `hour_us` is the beginning of the hour."""

    hour_us: int
    owner: GpuOwner
    price: GpuPrice


@dataclass(slots=True)
class EngineBatch:
    """One engine's time from `from_us` until `until_us`, all of it. Bounded by who can be served in an
    hour, and by the hours for which the disk cannot be written."""

    from_us: int
    until_us: int
    gpu_us: dict[GpuRow, int] = field(default_factory=dict)

    def add(self, later: "EngineBatch") -> None:
        """Take in what follows."""
        assert later.from_us == self.until_us, "an account has no gaps"
        self.until_us = later.until_us
        for row, gpu_us in later.gpu_us.items():
            self.gpu_us[row] = self.gpu_us.get(row, 0) + gpu_us


GpuBatch = Mapping[EngineName, EngineBatch]
Counts = Sequence[tuple[EngineName, EngineCount]]

_KEPT_MS = 8 * 24 * 3_600_000
"""So long every count is kept."""

_ADD = """
INSERT INTO gpu_time VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET gpu_us = gpu_us + excluded.gpu_us
"""
_GO_ON = """
INSERT INTO gpu_engine VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET until_us = excluded.until_us, gpu_us = gpu_us + excluded.gpu_us
"""


class EngineFile:
    """Opens at once. Use from one thread at a time. After an error of `write` it is not to be used
    again: close it and open anew."""

    def __init__(self, database: Path, open_uri: Connect = connect) -> None:
        """Raises StateProblemError or sqlite3.Error."""
        self._connection = open_to_write(database, open_uri)
        self._thinned_ms = 0

    def until_us(self) -> dict[EngineName, int]:
        """How far each engine's account goes."""
        rows = self._connection.execute("SELECT engine, until_us FROM gpu_engine")
        return {EngineName(name): until_us for name, until_us in rows}

    def write(self, batch: GpuBatch, counts: Counts = ()) -> None:
        """Add them; it is on disk when this returns. What is there already is not added again.

        Raises sqlite3.Error where the disk fails, StateProblemError where something else has written.
        """
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._go_on(batch)
            if counts:
                write_counts(connection, counts)
                self._thin(counts[-1][1].at_ms)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _thin(self, now_ms: int) -> None:
        """Once a day."""
        if now_ms - self._thinned_ms >= _KEPT_MS // 8:
            thin_counts(self._connection, now_ms - _KEPT_MS)
            self._thinned_ms = now_ms

    def _go_on(self, batch: GpuBatch) -> None:
        until = self.until_us()
        for name, part in batch.items():
            if until.get(name, part.from_us) == part.from_us:
                self._write(name, part)
            elif until[name] != part.until_us:
                raise StateProblemError(_torn(name))

    def _write(self, name: EngineName, part: EngineBatch) -> None:
        whole = sum(part.gpu_us.values())
        self._connection.execute(_GO_ON, (name, part.from_us, part.until_us, whole))
        self._connection.executemany(_ADD, (_values(name, *item) for item in part.gpu_us.items()))


def _values(name: EngineName, row: GpuRow, gpu_us: int) -> tuple[str | int, ...]:
    hour_us, (kind, consumer, model), price = row
    who = ("/".join(consumer.tenant), consumer.application, consumer.key, model)
    return (name, hour_us, kind, *who, price.nano_per_hour, price.currency, gpu_us)


def _torn(name: EngineName) -> str:
    return (
        f"the account of GPU time of engine {name} does not go on from where the gateway stands:"
        " something else has written or replaced the state database; restart the gateway"
    )
