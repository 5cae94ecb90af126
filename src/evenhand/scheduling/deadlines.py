"""When waiting tickets expire.

Lazily: an entry whose ticket waits no more, or for a second time, says nothing; all such are dropped
together when they are more than the living.
"""

from collections.abc import Iterator, Mapping
from heapq import heapify, heappop, heappush

from evenhand.model import RequestId
from evenhand.scheduling.ticket import Ticket

_DEAD_ENTRIES_MAX = 64


class Deadlines:
    """`tickets` are the open ones by request, and stay the same object."""

    def __init__(self, tickets: Mapping[RequestId, Ticket]) -> None:
        self._tickets = tickets
        self._entries: list[tuple[int, int, RequestId]] = []

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, ticket: Ticket) -> None:
        """Once per stay in the queue."""
        heappush(self._entries, (ticket.expires_ms, ticket.sequence, ticket.request.id))

    def next_ms(self) -> int | None:
        """When the next may expire; None while nothing waits."""
        return self._entries[0][0] if self._entries else None

    def due(self, now_ms: int) -> Iterator[Ticket]:
        """Those that have waited too long, each once."""
        while self._entries and self._entries[0][0] <= now_ms:
            at_ms, _, request_id = heappop(self._entries)
            ticket = self._tickets.get(request_id)
            if ticket is None or ticket.engine is not None or ticket.preempted_at is not None:
                continue
            # The deadline of its first stay in the queue says nothing of its second.
            if ticket.expires_ms == at_ms:
                yield ticket

    def tidy(self, waiting: int) -> None:
        """So many wait: keep no more dead entries than that, and some."""
        if len(self._entries) <= 2 * waiting + _DEAD_ENTRIES_MAX:
            return
        get = self._tickets.get
        self._entries = [
            entry
            for entry in self._entries
            if (ticket := get(entry[2])) is not None and ticket.engine is None
        ]
        heapify(self._entries)
