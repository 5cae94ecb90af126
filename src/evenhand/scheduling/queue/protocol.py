"""The seam within a tenant: which of its tickets goes first."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from evenhand.model import EngineName
from evenhand.scheduling.node import Node
from evenhand.scheduling.openings import Openings
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.ticket import Ticket

Rank = tuple[int, ...]
"""Less goes first. Ties go to the earlier arrival."""

Head = tuple[Rank, int, Ticket]
"""The first ticket of a list: its rank there, its sequence, itself. Heads compare."""


class Stage(NamedTuple):
    """A step of the search for the first ticket: of the heads of these lists the least, if its rank is
    at most `rank_max` (None: whatever its rank)."""

    lists: Sequence[EngineName | None]
    rank_max: Rank | None = None


class TicketQueue(Protocol):
    """Tickets in order. Some orders between tenants also ask for the first beneath an inner node, up to
    the root; their part says so (`asks_above_leaves`)."""

    def queued(self, ticket: Ticket) -> None:
        """The ticket waits; the backlog knows it. Once per stay in the queue."""

    def unqueued(self, ticket: Ticket) -> None:
        """The ticket waits no more. Once per stay."""

    def first(self, node: Node, openings: Openings, now_ms: int) -> Ticket:
        """The ticket beneath the node that goes first, among those for the open pools. There is one."""


@runtime_checkable
class ComparedQueue(TicketQueue, Protocol):
    """What a queue that is asked above leaves also offers: its tickets beneath a node and for a pool
    stand in lists whose order does not depend on the moment, so that an order between tenants can keep
    its children by their heads. Which list counts at the moment, the stages say.

    A list is named by the engine near which its tickets wait, or by None: all tickets.
    """

    def head(self, node: Node, pool: Pool, which: EngineName | None) -> Head | None:
        """The first ticket of a list, exact at this moment; None if it is empty."""

    def lists_of(self, ticket: Ticket) -> Iterable[EngineName | None]:
        """The lists that a waiting ticket stands in."""

    def stages(self, openings: Openings, now_ms: int) -> Sequence[Stage]:
        """Where to look at this moment, one stage after the other; the last finds whoever waits."""

    def watch(self, improved: Callable[[Ticket], None]) -> None:
        """Call this whenever a ticket has begun to wait or moved forward in a list. That it left or
        moved back is not told."""


def first_head(
    stages: Iterable[Stage], heads: Callable[[EngineName | None], Iterable[Head | None]]
) -> Head:
    """The head that the stages lead to, given the heads of all lists of one name."""
    for stage in stages:
        found = [head for which in stage.lists for head in heads(which) if head is not None]
        if found:
            head = min(found)
            if stage.rank_max is None or head[0] <= stage.rank_max:
                return head
    raise AssertionError("nothing waits for an open pool")
