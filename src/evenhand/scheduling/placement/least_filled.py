"""The engine whose window is least filled, as a fraction, so that engines of different size fill
evenly."""

from collections.abc import Sequence
from operator import attrgetter

from evenhand.model import EngineName
from evenhand.scheduling.capacity import EngineState, filled
from evenhand.scheduling.node import Node
from evenhand.scheduling.placement.protocol import Placement
from evenhand.scheduling.ticket import Ticket


class LeastFilled:
    """Least requests for its window: in flight, or waiting near it."""

    def __init__(self) -> None:
        # Bounded by the engines.
        self._near: dict[EngineName, int] = {}

    def choose(self, ticket: Ticket, candidates: Sequence[EngineState]) -> EngineState:
        """Ties go to the first by name."""
        del ticket
        near = self._near
        if not near:
            return min(candidates, key=attrgetter("fill"))
        return min(
            candidates, key=lambda e: filled(e.in_flight + e.held + near.get(e.name, 0), e.window)
        )

    def queued(self, ticket: Ticket) -> None:
        assert ticket.home is not None
        self._near[ticket.home] = self._near.get(ticket.home, 0) + 1

    def unqueued(self, ticket: Ticket) -> None:
        assert ticket.home is not None
        self._near[ticket.home] -= 1

    def started(self, ticket: Ticket, engine: EngineName) -> None:
        """Capacity counts."""

    def ended(self, ticket: Ticket, engine: EngineName, output_tokens: int) -> None:
        """Capacity counts."""

    def engine_changed(self, state: EngineState) -> None:
        """Asked anew each time."""

    def forget(self, leaf: Node) -> None:
        """It knows no tenants."""


_: type[Placement] = LeastFilled
