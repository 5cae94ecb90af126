"""Transfers: what moved between two accounts, immutable, with an id that repeating cannot double."""

from enum import StrEnum
from functools import partial
from typing import NamedTuple


class Kind(StrEnum):
    """What a transfer does. The second three resolve a hold; each hold has exactly one of them. All but
    a correction belong to a hold."""

    HOLD = "hold"
    """Reserves the most that a request may use."""
    SETTLE = "settle"
    """Posts what was used, as far as it was held, and releases the rest."""
    VOID = "void"
    """Releases all of it: the request ended without work that is charged."""
    EXPIRE = "expire"
    """Releases all of it: its gateway died, and left no mark of work."""
    EXCESS = "excess"
    """Posts what was used beyond the hold."""
    CORRECT = "correct"
    """Posts what somebody decided later: amounts that may be less than nothing, with a reason."""
    GPU_TIME = "gpu_time"
    """Posts the time of GPUs that a settled request has taken, once it is known."""


STEPS = {
    Kind.HOLD: 0,
    Kind.SETTLE: 1,
    Kind.VOID: 1,
    Kind.EXPIRE: 1,
    Kind.EXCESS: 2,
    Kind.CORRECT: 0,
    Kind.GPU_TIME: 3,
}
STEPS_PER_REQUEST = 4
"""The id of a request's transfer is its number times this, plus its step. All three ways to resolve a
hold have one id, so that a second resolution cannot even be written. A correction has a number of its
own, and stands where a hold would."""


class Transfer(NamedTuple):
    """One row of the ledger, in the order of its columns.

    `at_ms` is wall time since 1970. Of a hold the amounts are bounds, of others what was posted; those
    of a correction may be less than nothing. `output_tokens` includes `reasoning_tokens`, `gpu_us` are
    microseconds of GPUs.
    `request` and `price` (the price's number) stand on the hold alone; `outcome`, `engine`, `units`
    and `is_estimate` on what resolves it.
    """

    id: int
    kind: str
    at_ms: int
    debit: int
    credit: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    nano: int
    request: str | None = None
    price: int | None = None
    outcome: str | None = None
    engine: str | None = None
    units: int | None = None
    is_estimate: int | None = None
    reasoning_tokens: int = 0
    gpu_us: int = 0


as_transfer = partial(tuple.__new__, Transfer)
"""A transfer of all its columns in order, in a third of the time of `Transfer(...)`: every request makes
two."""
