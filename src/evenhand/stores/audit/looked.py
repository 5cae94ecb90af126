"""What one check of the audit has found."""

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass

TOLD_MAX = 5
"""Faults of a check that are told in words; the others are counted."""


@dataclass(frozen=True, slots=True)
class Looked:
    """`at` says in figures what was looked at; `found` how many faults there are, of which the first
    are `told`."""

    at: str
    found: int = 0
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """`title` is what ought to be true. `warns_only`: odd, but no fault of the books."""

    title: str
    look: Callable[[sqlite3.Connection], Looked]
    warns_only: bool = False


def looked(at: str, faults: Iterable[str]) -> Looked:
    """Count all, keep the first few."""
    found = 0
    told: list[str] = []
    for fault in faults:
        found += 1
        if len(told) < TOLD_MAX:
            told.append(fault)
    return Looked(at, found, tuple(told))


def counted(connection: sqlite3.Connection, noun: str, query: str) -> str:
    """The figure that a query counts, with its noun: "1,234 transfers"."""
    (number,) = connection.execute(query).fetchone()
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
