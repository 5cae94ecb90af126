"""Counts of engines in the state database: read as written, fewer as they grow old, none lost by it."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from evenhand.ledger.reconciliation import EngineCount, Sums, intervals
from evenhand.model import EngineName
from evenhand.stores import EngineFile
from evenhand.stores.count_rows import counted_engines, read_counts
from evenhand.stores.schema import open_to_read

ENGINE = EngineName("gpu0")
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def count(number: int, *, at_ms: int, boot: int = 0, life: int = 0) -> EngineCount:
    return EngineCount(
        at_ms=at_ms,
        boot=boot,
        life=life,
        input_tokens=10 * number,
        output_tokens=20 * number,
        is_calm=number % 3 == 0,
        open_input=number % 3,
        open_output_most=0,
        sums=Sums(retried=number, direct_output=2 * number),
    )


def read(database: Path) -> list[EngineCount]:
    with closing(open_to_read(database)) as connection:
        assert counted_engines(connection) == [ENGINE]
        return read_counts(connection, ENGINE)


def test_counts_are_read_as_they_were_written_and_once_if_written_twice(tmp_path: Path) -> None:
    database = tmp_path / "evenhand.db"
    counts = [count(number, at_ms=1_000 * number) for number in range(1, 20)]
    file = EngineFile(database)
    file.write({}, [(ENGINE, each) for each in counts])
    file.write({}, [(ENGINE, each) for each in counts])
    file.close()
    assert read(database) == counts


def test_old_counts_are_thinned_and_their_sums_stay(tmp_path: Path) -> None:
    database = tmp_path / "evenhand.db"
    counts = [count(number, at_ms=300_000 * number) for number in range(400)]
    last = counts[-1]
    later = count(500, at_ms=20 * DAY_MS)
    file = EngineFile(database)
    file.write({}, [(ENGINE, each) for each in counts])
    file.write({}, [(ENGINE, later)])
    file.close()
    kept = read(database)
    hours = {each.at_ms // HOUR_MS for each in counts}
    assert len(hours) <= len(kept) <= 2 * len(hours) + 2
    assert kept[0] == counts[0]
    assert kept[-1] == later
    whole = replace(last, at_ms=0)
    for figures in (kept, [*counts, later]):
        parts = list(intervals(figures))
        assert sum(part.output_tokens for part in parts) == later.output_tokens
        total = sum((part.sums for part in parts), Sums())
        assert total == later.sums
    assert whole.boot == later.boot
    assert {each.at_ms // HOUR_MS for each in kept if each.is_calm} >= hours
