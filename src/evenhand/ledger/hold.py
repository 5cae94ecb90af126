"""A hold: what a request may use at most, from its admission to its one resolution."""

from dataclasses import dataclass
from typing import NamedTuple

from evenhand.ledger.day_sum import DaySum
from evenhand.ledger.line import Line
from evenhand.ledger.tally import Tally
from evenhand.model import RequestId


class Bound(NamedTuple):
    """The most tokens that a request is expected to use."""

    input_tokens: int
    output_tokens: int


class Mark(NamedTuple):
    """What an open request has used so far, for the case that its gateway dies. `number` is the
    hold's. A later mark replaces an earlier one."""

    number: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    is_estimate: int
    reasoning_tokens: int = 0


@dataclass(slots=True, eq=False)
class Hold:
    """Open until `Books.settle`, `void` or `expire`. Its line's price is pinned here. All that it comes
    to is posted to `day`, on which it was opened."""

    number: int
    request: RequestId
    line: Line
    bound: Bound
    nano: int
    day: DaySum
    tallies: tuple[Tally, ...] = ()
    """Of the budgets that it counts against, in the periods in which it was opened."""
    is_over_soft: bool = False
    """A soft budget was exceeded by it."""
    is_marked: bool = False
    """A mark of it was journalled, and must go when it is resolved."""
    is_resolved: bool = False
