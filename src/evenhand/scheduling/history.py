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

STARTS_REMEMBERED = 4_096
REQUESTS_REMEMBERED = 4_096
"""Few enough to stay in a processor's cache: more would slow down each decision by a fifth."""


class PastStart(NamedTuple):
    """One start, and the stay in the queue that it ended. `begin` is the number of starts when that
    began; `counters` are those of its leaf and all above it but the root, before it was charged."""

    number: int
    id: RequestId
    leaf: Node
    pool: Pool
    engine: EngineName
    units: int
    counters: tuple[int, ...]
    begin: int
    waited_ms: int


class Stay(NamedTuple):
    """A request's stay in the queue: between which starts. `end` is None while it waits."""

    id: RequestId
    leaf: Node
    pool: Pool
    begin: int
    end: PastStart | None
    waited_ms: int


class History:
    """The last starts, and the requests that started or were refused last."""

    def __init__(self) -> None:
        self.starts = 0
        """How many there were."""
        self._starts: deque[PastStart] = deque(maxlen=STARTS_REMEMBERED)
        self._past: OrderedDict[RequestId, PastStart | Refusal] = OrderedDict()

    def started(self, ticket: Ticket, counters: tuple[int, ...], now_ms: int) -> None:
        """It left the queue for its engine, and has been charged."""
        request_id, engine = ticket.request.id, ticket.engine
        assert engine is not None
        self.starts = number = self.starts + 1
        start = PastStart(
            number,
            request_id,
            ticket.leaf,
            ticket.pool,
            engine,
            ticket.units,
            counters,
            ticket.starts_before,
            now_ms - ticket.queued_ms,
        )
        self._starts.append(start)
        self._remember(request_id, start)

    def refused(self, refusal: Refusal) -> None:
        """It ended without having been started."""
        request = refusal.request
        if request.prefix:  # thousands of them would be too much to keep
            refusal = replace(refusal, request=replace(request, prefix=b""))
        self._remember(request.id, refusal)

    def of(self, request_id: RequestId) -> Stay | Refusal | None:
        """What became of a request; None: it never waited, or that is too long ago."""
        past = self._past.get(request_id)
        if isinstance(past, PastStart):
            return Stay(past.id, past.leaf, past.pool, past.begin, past, past.waited_ms)
        return past

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

    def _remember(self, request_id: RequestId, what: PastStart | Refusal) -> None:
        past = self._past
        past[request_id] = what
        if len(past) > REQUESTS_REMEMBERED:
            past.popitem(last=False)


def counters_of(leaf: Node, pool: Pool) -> tuple[int, ...]:
    """Of a leaf and all above it but the root."""
    lineage = leaf.lineage
    if len(lineage) == 2:
        return (leaf.virtual + leaf.lifts.get(pool, 0),)
    return tuple([node.virtual + node.lifts.get(pool, 0) for node in lineage[:-1]])
