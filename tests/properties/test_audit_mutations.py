"""No single cell that carries an amount, an id or a kind can be changed unseen.

What the audit cannot see is what the rows do not say twice: `LABELS` lists those columns. One more is
the bound of a hold that is resolved, where its tokens cost nothing (or less than money is counted in):
it was released, so it is in no balance, and no money hangs on it.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from evenhand.stores.audit import audit
from evenhand.stores.schema import open_to_read
from support.made_ledger import made_ledger
from support.planted import unguarded

TRANSFER = (
    "id",
    "kind",
    "debit",
    "credit",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "nano",
    "price",
    "reasoning_tokens",
    "gpu_us",
)
ACCOUNT = (
    "number",
    "side",
    "model",
    "currency",
    "posted_input",
    "posted_cached",
    "posted_output",
    "posted_nano",
    "held_input",
    "held_output",
    "held_nano",
    "posted_reasoning",
    "posted_gpu_us",
)
LABELS = {
    "transfer": {
        "at_ms": "odd times are warned of, days must agree, others cannot be told from true ones",
        "request": "only its being there once is checked",
        "outcome": "only its being known and fitting the kind",
        "engine": "only its being there",
        "units": "what a token costs in units is no part of the ledger",
        "is_estimate": "only its being 0 or 1",
        "batch": "in which transaction it came stands nowhere else",
    },
    "account": {
        "tenant": "whose account it is stands nowhere else",
        "application": "the same",
        "key": "the same",
    },
}
"""Columns of which only the sense is checked, and why."""

BOUNDS = ("input_tokens", "output_tokens")
RELEASED_FOR_NOTHING = (
    "SELECT hold.id FROM transfer AS hold JOIN price ON price.number = hold.price "
    "WHERE min(price.input, price.output) < 1000000 "
    "AND EXISTS (SELECT 1 FROM transfer WHERE id = hold.id + 1)"
)
KINDS = ("hold", "settle", "void", "expire", "excess", "gpu_time", "", "Settle")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("mutations") / "evenhand.db"
    made_ledger(file, requests=60, seed=11, with_corrections=True)
    return file


def faults(database: Path) -> int:
    with closing(open_to_read(database)) as connection:
        return audit(connection).faults


def columns(database: Path, table: str) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def test_every_column_is_either_guarded_or_listed(sound: Path) -> None:
    assert set(columns(sound, "transfer")) == set(TRANSFER) | LABELS["transfer"].keys()
    assert set(columns(sound, "account")) == set(ACCOUNT) | LABELS["account"].keys()


def changed(before: Any, draw: st.DataObject, column: str, known: list[Any]) -> Any:
    """Another value for a cell: near it, from another row, or anything."""
    if isinstance(before, str):
        others = KINDS if column == "kind" else ("consumer", "model", "other", "", *known)
        return draw.draw(st.sampled_from(others), label="text")
    return draw.draw(
        st.one_of(
            st.integers(-3, 3).map(lambda step: (before or 0) + step),
            st.sampled_from(known),
            st.integers(-(2**63), 2**63 - 1),
            st.integers(0, 4_000),
        ),
        label="number",
    )


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(draw=st.data())
def test_a_changed_cell_is_caught(sound: Path, tmp_path: Path, draw: st.DataObject) -> None:
    table, column = draw.draw(
        st.sampled_from(
            [*(("transfer", name) for name in TRANSFER), *(("account", name) for name in ACCOUNT)]
        )
    )
    database = Path(shutil.copy(sound, tmp_path / "mutated.db"))
    with unguarded(database) as connection:
        released_for_nothing = {number for (number,) in connection.execute(RELEASED_FOR_NOTHING)}
        cells = connection.execute(f"SELECT rowid, {column} FROM {table}").fetchall()
        row, before = draw.draw(st.sampled_from(cells), label="cell")
        assume(table == "account" or column not in BOUNDS or row not in released_for_nothing)
        after = changed(before, draw, column, [value for _, value in cells if value is not None])
        assume(after != before)
        try:
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (after, row))
        except sqlite3.IntegrityError:
            assume(False)  # a key refuses it: such a row cannot be
    assert faults(database) > 0, f"{table}.{column} of {row}: {before!r} became {after!r}"


def test_the_copy_before_is_sound(sound: Path) -> None:
    """A control: it is the change that is caught."""
    assert faults(sound) == 0
