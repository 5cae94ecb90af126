"""What a store gives back at start: the books as of its last batch."""

from dataclasses import dataclass
from typing import NamedTuple

from evenhand.ledger.batch import AccountRow, DayRow, PriceRow
from evenhand.ledger.hold import Mark
from evenhand.ledger.transfer import Transfer


class OpenHold(NamedTuple):
    """A hold that nothing has resolved, and its last mark."""

    transfer: Transfer
    mark: Mark | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """`seq` is the last batch's, `numbers` the greatest number that any hold has (0: none), and
    `held_ms` when that hold was opened. `days` go back as far as a month or a week can."""

    seq: int = 0
    numbers: int = 0
    accounts: tuple[AccountRow, ...] = ()
    prices: tuple[PriceRow, ...] = ()
    open_holds: tuple[OpenHold, ...] = ()
    held_ms: int = 0
    days: tuple[DayRow, ...] = ()
