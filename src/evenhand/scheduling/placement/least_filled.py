"""The engine whose window is least filled, as a fraction, so that engines of different size fill
evenly."""

from collections.abc import Sequence

from evenhand.model import EngineName
from evenhand.scheduling.capacity import EngineState
from evenhand.scheduling.placement.protocol import Placement
from evenhand.scheduling.ticket import Ticket


class LeastFilled:
    """Least requests in flight for its window."""

    def choose(self, ticket: Ticket, candidates: Sequence[EngineState]) -> EngineState:
        del ticket
        # Compared as integers, scaled so that small windows still differ.
        return min(candidates, key=lambda e: ((e.in_flight << 20) // e.window, e.name))

    def started(self, ticket: Ticket, engine: EngineName) -> None:
        """Capacity counts."""

    def ended(self, ticket: Ticket, engine: EngineName, output_tokens: int) -> None:
        """Capacity counts."""

    def engine_changed(self, state: EngineState) -> None:
        """Asked anew each time."""


_: type[Placement] = LeastFilled
