"""The ledger: who has used what, at which price, in double entry.

Lives here: prices, budgets, accounts, holds, transfers, and what becomes of holds whose gateway died.
May import: `model`, nothing else; no clock, no randomness, no I/O, no third-party package.
Promises: integers only; every hold is resolved once; debits equal credits after every call;
`ledger.md` derives what can be lost and what cannot.
"""

from evenhand.ledger.account import Account, Consumer, Side
from evenhand.ledger.batch import Batch
from evenhand.ledger.books import Books
from evenhand.ledger.budget import Budget, BudgetRule, OtherCurrency, OverBudget, Spent
from evenhand.ledger.correction import Correction, CorrectionRefusedError, CorrectionRow
from evenhand.ledger.hold import Bound, Hold, Mark
from evenhand.ledger.input_bound import InputBound
from evenhand.ledger.line import Line
from evenhand.ledger.period import Period
from evenhand.ledger.price import FREE, Price
from evenhand.ledger.price_book import NOTHING_PRICED, PriceBook, PricedFrom
from evenhand.ledger.recovery import resolve_left_open
from evenhand.ledger.snapshot import OpenHold, Snapshot
from evenhand.ledger.standing import BudgetStanding
from evenhand.ledger.transfer import Kind, Transfer

__all__ = [
    "FREE",
    "NOTHING_PRICED",
    "Account",
    "Batch",
    "Books",
    "Bound",
    "Budget",
    "BudgetRule",
    "BudgetStanding",
    "Consumer",
    "Correction",
    "CorrectionRefusedError",
    "CorrectionRow",
    "Hold",
    "InputBound",
    "Kind",
    "Line",
    "Mark",
    "OpenHold",
    "OtherCurrency",
    "OverBudget",
    "Period",
    "Price",
    "PriceBook",
    "PricedFrom",
    "Side",
    "Snapshot",
    "Spent",
    "Transfer",
    "resolve_left_open",
]
