"""The engine with the fewest outstanding tokens: uncached input and predicted output.

Unlike `least-filled` it tells long requests from short ones, and knows nothing of windows: for engines
of about the same speed.
"""

from collections.abc import Sequence

from evenhand.model import EngineName
from evenhand.scheduling.capacity import EngineState
from evenhand.scheduling.node import Node
from evenhand.scheduling.placement.outstanding import Outstanding
from evenhand.scheduling.placement.protocol import Placement
from evenhand.scheduling.prefixes import Prefixes
from evenhand.scheduling.ticket import Ticket


class LeastOutstanding:
    """Ties go by name. Input is known to be cached only where another part asks for prefixes."""

    def __init__(self, prefixes: Prefixes | None) -> None:
        self._outstanding = Outstanding(prefixes)

    def choose(self, ticket: Ticket, candidates: Sequence[EngineState]) -> EngineState:
        del ticket
        return min(candidates, key=lambda e: (self._outstanding.tokens(e), e.name))

    def queued(self, ticket: Ticket) -> None:
        self._outstanding.queued(ticket)

    def unqueued(self, ticket: Ticket) -> None:
        self._outstanding.left(ticket)

    def started(self, ticket: Ticket, engine: EngineName) -> None:
        self._outstanding.started(ticket, engine)

    def ended(self, ticket: Ticket, engine: EngineName, output_tokens: int) -> None:
        del engine, output_tokens
        self._outstanding.left(ticket)

    def engine_changed(self, state: EngineState) -> None:
        """What runs there is still outstanding, whatever its window."""

    def forget(self, leaf: Node) -> None:
        """It knows no tenants."""


_: type[Placement] = LeastOutstanding
