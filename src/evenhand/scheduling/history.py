"""What the core remembers of its starts, so that it can say of a request who was served instead.

Only starts out of the queue count: whoever found a free slot and nobody waiting took nobody's place.
Bounded; what is older is forgotten, and an explanation says so.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from evenhand.model import EngineName, RequestId
from evenhand.scheduling.decisions import Refusal
from evenhand.scheduling.node import Node
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.ticket import Ticket

STARTS_REMEMBERED = 16_384
REQUESTS_REMEMBERED = 4_096


class PastStart(NamedTuple):
    """One start. `counters` are those of its leaf and all above it but the root, before it was
    charged."""

    number: int
    leaf: Node
    pool: Pool
    engine: EngineName
    units: int
    counters: tuple[int, ...]


class Stay(NamedTuple):
    """A request's stay in the queue: between which starts. `end` is None while it waits."""

    id: RequestId
    leaf: Node
    pool: Pool
    begin: int
    end: PastStart | None
    waited_ms: int


class History:
    """The last starts, and the stays of the requests that started or were refused last."""

    def __init__(self) -> None:
        self.starts = 0
        """How many there were."""
        self._starts: deque[PastStart] = deque(maxlen=STARTS_REMEMBERED)
        self._stays: OrderedDict[RequestId, Stay | Refusal] = OrderedDict()

    def started(self, ticket: Ticket, counters: tuple[int, ...], now_ms: int) -> None:
        """It left the queue for its engine, and has been charged."""
        assert ticket.engine is not None
        self.starts = number = self.starts + 1
        start = PastStart(number, ticket.leaf, ticket.pool, ticket.engine, ticket.units, counters)
        self._starts.append(start)
        waited_ms = now_ms - ticket.queued_ms
        begin = ticket.starts_before
        stay = Stay(ticket.request.id, ticket.leaf, ticket.pool, begin, start, waited_ms)
        self._remember(ticket.request.id, stay)

    def refused(self, refusal: Refusal) -> None:
        """It ended without having been started."""
        request = refusal.request
        if request.prefix:  # thousands of them would be too much to keep
            refusal = replace(refusal, request=replace(request, prefix=b""))
        self._remember(request.id, refusal)

    def of(self, request_id: RequestId) -> Stay | Refusal | None:
        """What became of a request; None: it never waited, or that is too long ago."""
        return self._stays.get(request_id)

    def instead_of(self, stay: Stay) -> Iterator[PastStart]:
        """The starts during a stay on engines that it waited for, the last one first."""
        engines = set(stay.pool.engines)
        for start in reversed(self._starts):
            if start.number <= stay.begin:
                return
            if (stay.end is None or start.number < stay.end.number) and start.engine in engines:
                yield start

    def is_whole(self, stay: Stay) -> bool:
        """Whether all starts since it began to wait are remembered."""
        return not self._starts or self._starts[0].number <= stay.begin + 1

    def _remember(self, request_id: RequestId, what: Stay | Refusal) -> None:
        self._stays[request_id] = what
        if len(self._stays) > REQUESTS_REMEMBERED:
            self._stays.popitem(last=False)


def counters_of(leaf: Node, pool: Pool) -> tuple[int, ...]:
    """Of a leaf and all above it but the root."""
    return tuple([node.virtual + node.lifts.get(pool, 0) for node in leaf.lineage[:-1]])
