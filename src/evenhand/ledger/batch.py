"""What is written together: all of it or nothing."""

from dataclasses import dataclass
from typing import NamedTuple

from evenhand.ledger.correction import CorrectionRow
from evenhand.ledger.hold import Mark
from evenhand.ledger.transfer import Transfer


class AccountRow(NamedTuple):
    """An account as it stands after the batch, in the order of its columns. `tenant` is its path
    joined by slashes; a consumer has no model, a model has nothing else."""

    number: int
    side: str
    tenant: str
    application: str
    key: str
    model: str
    currency: str
    posted_input: int
    posted_cached: int
    posted_output: int
    posted_nano: int
    held_input: int
    held_output: int
    held_nano: int
    posted_reasoning: int = 0
    posted_gpu_us: int = 0


class PriceRow(NamedTuple):
    """A price that holds may name, in the order of its columns."""

    number: int
    model: str
    currency: str
    input: int
    cached_input: int
    output: int
    reasoning: int
    request: int
    gpu_second: int


class DayRow(NamedTuple):
    """What requests held on a UTC day (counted from 1970) have posted to a consumer's account since,
    in the order of its columns: whenever they were settled."""

    day: int
    account: int
    posted_tokens: int
    posted_nano: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Everything that was journalled since the batch before.

    `seq` counts batches from 1: a store that has seen `seq` already has all of it. `unmarked` are
    holds whose marks go. No hold numbered below `open_from` is open after the batch, so that
    whoever looks for holds left open need not look there.
    """

    seq: int
    transfers: tuple[Transfer, ...]
    marks: tuple[Mark, ...]
    unmarked: tuple[int, ...]
    accounts: tuple[AccountRow, ...]
    prices: tuple[PriceRow, ...]
    open_from: int
    corrections: tuple[CorrectionRow, ...] = ()
    days: tuple[DayRow, ...] = ()
