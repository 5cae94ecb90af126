"""A line: all that requests of one consumer to one model at one price have in common."""

from dataclasses import dataclass, field

from evenhand.ledger.account import Account
from evenhand.ledger.day_sum import DaySum
from evenhand.ledger.price import Price
from evenhand.ledger.tally import Watch

COUNTS = (
    *("posted_input", "posted_cached", "posted_output", "posted_nano"),
    *("held_input", "held_output", "held_nano", "posted_reasoning", "posted_gpu_us"),
)
"""What a line counts and an account balances."""


@dataclass(slots=True, eq=False)
class Line:
    """Made once by `Books.line`, and kept by whoever holds on it, so that a request looks up nothing.

    The counts are what has moved on it since the process began, and what is held: the same for both of
    its accounts, and so counted once instead of twice. `is_moved`: since its accounts were last brought
    up to date. `today` is the debit account's sum of the last day on which anything was held here.
    """

    debit: Account
    credit: Account
    price: Price
    price_number: int
    today: DaySum
    watches: tuple[Watch, ...] = ()
    """The budgets that count what is held here."""
    is_moved: bool = False
    posted_input: int = 0
    posted_cached: int = 0
    posted_output: int = 0
    posted_nano: int = 0
    held_input: int = 0
    held_output: int = 0
    held_nano: int = 0
    posted_reasoning: int = 0
    posted_gpu_us: int = 0
    _passed_on: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))

    def bring_accounts_up_to_date(self) -> None:
        """Add to both accounts what they do not have of it."""
        for name in COUNTS:
            count: int = getattr(self, name)
            more = count - self._passed_on[name]
            if more:
                self._passed_on[name] = count
                for account in (self.debit, self.credit):
                    setattr(account, name, getattr(account, name) + more)
        self.is_moved = False
