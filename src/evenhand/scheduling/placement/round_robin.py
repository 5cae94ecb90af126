"""Engines by turns: the candidate whose turn was longest ago, whatever it has to do."""

from collections.abc import Sequence

from evenhand.model import EngineName
from evenhand.scheduling.capacity import EngineState
from evenhand.scheduling.node import Node
from evenhand.scheduling.placement.protocol import Placement
from evenhand.scheduling.ticket import Ticket


class RoundRobin:
    """An engine that joins has its first turn at once, and one that comes back has one turn, not all
    that it missed. Where there is no choice nobody has a turn."""

    def __init__(self) -> None:
        # Bounded by the engines.
        self._turns: dict[EngineName, int] = {}
        self._turn = 0

    def choose(self, ticket: Ticket, candidates: Sequence[EngineState]) -> EngineState:
        del ticket
        chosen = min(candidates, key=lambda engine: (self._turns.get(engine.name, 0), engine.name))
        self._turn += 1
        self._turns[chosen.name] = self._turn
        return chosen

    def queued(self, ticket: Ticket) -> None:
        """A turn is counted when it is given."""

    def unqueued(self, ticket: Ticket) -> None:
        """A turn is not given back."""

    def started(self, ticket: Ticket, engine: EngineName) -> None:
        """Counted."""

    def ended(self, ticket: Ticket, engine: EngineName, output_tokens: int) -> None:
        """A turn costs the same however long it takes."""

    def engine_changed(self, state: EngineState) -> None:
        """The candidates say who is there."""

    def forget(self, leaf: Node) -> None:
        """It knows no tenants."""


_: type[Placement] = RoundRobin
