"""What becomes of holds whose gateway died: the next one resolves them before it serves."""

from dataclasses import dataclass

from evenhand.ledger.books import Books
from evenhand.model import Outcome, Usage


@dataclass(frozen=True, slots=True)
class Recovered:
    """How many holds were left open, and how they were resolved."""

    settled: int
    expired: int


def resolve_left_open(books: Books, at_ms: int) -> Recovered:
    """Settle each hold at its last mark, and expire those without one. What came after the mark is
    lost to the ledger: never more than the request has really used is charged."""
    settled = expired = 0
    for hold, mark in books.take_left_open():
        if mark is None:
            books.expire(hold, at_ms)
            expired += 1
            continue
        usage = Usage(
            mark.input_tokens,
            mark.output_tokens,
            mark.cached_input_tokens,
            is_estimate=bool(mark.is_estimate),
            reasoning_tokens=mark.reasoning_tokens,
        )
        books.settle(hold, usage, Outcome.GATEWAY_DIED, at_ms)
        settled += 1
    return Recovered(settled, expired)
