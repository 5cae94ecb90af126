"""Reconciliation: the ledger against the engines' own counters, every difference with its cause.

`reconciliation.md` says what can differ, and how much of it is put down to what.
"""

from evenhand.ledger.reconciliation.causes import Cause, Explained, Side, explain
from evenhand.ledger.reconciliation.count import EngineCount, Sums
from evenhand.ledger.reconciliation.interval import Interval, compared, intervals
from evenhand.ledger.reconciliation.report import EngineReconciled, reconciled
from evenhand.ledger.reconciliation.used import LedgerUse

__all__ = [
    "Cause",
    "EngineCount",
    "EngineReconciled",
    "Explained",
    "Interval",
    "LedgerUse",
    "Side",
    "Sums",
    "compared",
    "explain",
    "intervals",
    "reconciled",
]
