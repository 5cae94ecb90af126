"""The seam of placement: which engine."""

from collections.abc import Sequence
from typing import Protocol

from evenhand.model import EngineName
from evenhand.scheduling.capacity import EngineState
from evenhand.scheduling.node import Node
from evenhand.scheduling.ticket import Ticket


class Placement(Protocol):
    """Where a request goes. Asked only where there is a choice."""

    def choose(self, ticket: Ticket, candidates: Sequence[EngineState]) -> EngineState:
        """One of at least two candidates, which are in order of names. At the pick these are the engines
        of its pool that have a slot. Queues that keep tickets by engine also ask when a ticket begins to
        wait (`ticket.home` is None then); the candidates are the engines of its pool that are up."""

    def queued(self, ticket: Ticket) -> None:
        """The ticket waits near `ticket.home`. Once per stay in the queue, and only with queues that
        keep tickets by engine."""

    def unqueued(self, ticket: Ticket) -> None:
        """It waits there no more: what follows is a start, another home, or its end."""

    def started(self, ticket: Ticket, engine: EngineName) -> None:
        """The ticket runs there. Once for each start, chosen or not."""

    def ended(self, ticket: Ticket, engine: EngineName, output_tokens: int) -> None:
        """It is over there. Once for each start."""

    def engine_changed(self, state: EngineState) -> None:
        """An engine appeared, or its window (0: it is down) or models changed."""

    def forget(self, leaf: Node) -> None:
        """The leaf has been taken out of the tree or is long idle. Nothing waits or runs there."""
