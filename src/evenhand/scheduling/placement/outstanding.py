"""What is outstanding at each engine: of requests that run there or wait near it."""

from evenhand.model import EngineName
from evenhand.scheduling.capacity import EngineState
from evenhand.scheduling.prefixes import Prefixes
from evenhand.scheduling.ticket import Ticket


class Outstanding:
    """Tokens to be computed: input that the engine is not believed to hold, and predicted output. An
    estimate is kept until its request leaves: what is done of it already is not taken off.

    `prefixes` None: all input counts as uncached.
    """

    def __init__(self, prefixes: Prefixes | None) -> None:
        self._prefixes = prefixes
        # Bounded by the engines, and by the open requests.
        self._tokens: dict[EngineName, int] = {}
        self._requests: dict[EngineName, int] = {}
        self._counted: dict[Ticket, tuple[EngineName, int]] = {}

    def tokens(self, engine: EngineState) -> int:
        return self._tokens.get(engine.name, 0)

    def requests(self, engine: EngineState) -> int:
        return self._requests.get(engine.name, 0)

    def queued(self, ticket: Ticket) -> None:
        """It waits near its home."""
        home, cached_tokens = ticket.home, 0
        assert home is not None
        if self._prefixes is not None:
            cached_tokens = self._prefixes.cached_tokens(ticket.request, home, ticket.input_tokens)
        self._count(ticket, home, cached_tokens)

    def started(self, ticket: Ticket, engine: EngineName) -> None:
        """It runs there; it was taken out of the queue before."""
        self._count(ticket, engine, ticket.cached_tokens)

    def left(self, ticket: Ticket) -> None:
        """It waits or runs no more where it did."""
        engine, tokens = self._counted.pop(ticket)
        self._tokens[engine] -= tokens
        self._requests[engine] -= 1

    def _count(self, ticket: Ticket, engine: EngineName, cached_tokens: int) -> None:
        assert ticket not in self._counted
        tokens = ticket.input_tokens - cached_tokens + ticket.paid_tokens
        self._counted[ticket] = (engine, tokens)
        self._tokens[engine] = self._tokens.get(engine, 0) + tokens
        self._requests[engine] = self._requests.get(engine, 0) + 1
