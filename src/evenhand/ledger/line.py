"""A line: all that requests of one consumer to one model at one price have in common."""

from dataclasses import dataclass

from evenhand.ledger.account import Account
from evenhand.ledger.budget import Spent
from evenhand.ledger.price import Price


@dataclass(slots=True, eq=False)
class Line:
    """Made once by `Books.line`, and kept by whoever holds on it, so that a request looks up nothing.

    The counts are what has moved on it since its accounts were last brought up to date: the same for
    both of them, and so moved once instead of twice.
    """

    debit: Account
    credit: Account
    price: Price
    price_number: int
    spent: Spent
    is_moved: bool = False
    posted_input: int = 0
    posted_cached: int = 0
    posted_output: int = 0
    posted_nano: int = 0
    held_input: int = 0
    held_output: int = 0
    held_nano: int = 0

    def settle_accounts(self) -> None:
        """Bring both accounts up to date."""
        for account in (self.debit, self.credit):
            account.posted_input += self.posted_input
            account.posted_cached += self.posted_cached
            account.posted_output += self.posted_output
            account.posted_nano += self.posted_nano
            account.held_input += self.held_input
            account.held_output += self.held_output
            account.held_nano += self.held_nano
        self.posted_input = self.posted_cached = self.posted_output = self.posted_nano = 0
        self.held_input = self.held_output = self.held_nano = 0
        self.is_moved = False
