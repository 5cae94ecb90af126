"""A recount of the account of GPU time that uses none of its code."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

GPUS = 2
"""Of every engine behind `support.gateway`."""


def gpu_rows(database: Path, query: str = "SELECT * FROM gpu_time") -> list[dict[str, Any]]:
    """Read as anybody could."""
    connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    with closing(connection):
        return [dict(row) for row in connection.execute(query)]


def check_gpu_time(database: Path, gpus: int = GPUS) -> None:
    """Every engine's rows are its wall time, to the microsecond, and no hour has more than an hour."""
    for engine in gpu_rows(database, "SELECT * FROM gpu_engine"):
        of_it = [row for row in gpu_rows(database) if row["engine"] == engine["engine"]]
        whole = sum(row["gpu_us"] for row in of_it)
        assert whole == engine["gpu_us"]
        assert whole == gpus * (engine["until_us"] - engine["since_us"])
        for hour in {row["hour"] for row in of_it}:
            in_it = sum(row["gpu_us"] for row in of_it if row["hour"] == hour)
            begins = max(hour, engine["since_us"])
            ends = min(hour + 3_600_000_000, engine["until_us"])
            assert in_it == gpus * (ends - begins)
