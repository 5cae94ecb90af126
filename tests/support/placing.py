"""Tickets and engines for placements, without a scheduler around them."""

from collections.abc import Sequence

from evenhand.model import EngineName, InteractionId, ModelName, Request, RequestId, TrustDomain
from evenhand.scheduling.capacity import EngineState
from evenhand.scheduling.node import Node
from evenhand.scheduling.placement.protocol import Placement
from evenhand.scheduling.pool import Pool
from evenhand.scheduling.prefixes import Prefixes
from evenhand.scheduling.ticket import Ticket

MODEL = ModelName("m")


def engines(names: str, window: int = 8) -> list[EngineState]:
    """One for each letter."""
    return [EngineState(EngineName(name), frozenset({MODEL}), window) for name in names]


def blocks(letters: str) -> bytes:
    """A prompt of whole blocks, one for each letter."""
    return b"".join(letter.encode() * 64 for letter in letters)


class Placing:
    """A placement, its prefixes, and the requests that it placed. Does what the scheduler does."""

    def __init__(self, placement: Placement, prefixes: Prefixes | None = None) -> None:
        self.placement = placement
        self.prefixes = prefixes
        self.leaves: dict[str, Node] = {}
        self.count = 0

    def ticket(
        self,
        *,
        tenant: str = "t",
        tokens: int = 100,
        output: int = 0,
        prefix: bytes = b"",
        interaction: str = "",
        trust_domain: str = "",
    ) -> Ticket:
        self.count += 1
        request = Request(
            id=RequestId(str(self.count)),
            tenant=(tenant,),
            model=MODEL,
            body_bytes=10,
            prompt_tokens=tokens,
            queue_wait_ms_max=1_000,
            prefix=prefix,
            interaction=InteractionId(interaction),
            trust_domain=TrustDomain(trust_domain),
        )
        leaf = self.leaf(tenant)
        return Ticket(
            request, leaf, Pool(()), self.count, 0, input_tokens=tokens, paid_tokens=output
        )

    def leaf(self, tenant: str) -> Node:
        if tenant not in self.leaves:
            self.leaves[tenant] = Node((tenant,), weight=1, index=len(self.leaves), parent=None)
        return self.leaves[tenant]

    def choose(self, ticket: Ticket, candidates: Sequence[EngineState]) -> str:
        return self.placement.choose(ticket, candidates).name

    def start(self, ticket: Ticket, candidates: Sequence[EngineState]) -> str:
        """Choose, and run it there."""
        return self.start_at(ticket, self.choose(ticket, candidates))

    def start_at(self, ticket: Ticket, name: str) -> str:
        engine = EngineName(name)
        if self.prefixes is not None:
            request, tokens = ticket.request, ticket.input_tokens
            ticket.cached_tokens = self.prefixes.started(request, engine, tokens)
        ticket.engine = engine
        self.placement.started(ticket, engine)
        return name

    def wait(self, ticket: Ticket, candidates: Sequence[EngineState]) -> str:
        """Choose a home, and wait there."""
        ticket.home = EngineName(self.choose(ticket, candidates))
        self.placement.queued(ticket)
        return ticket.home

    def end(self, ticket: Ticket, output_tokens: int = 0) -> None:
        assert ticket.engine is not None
        self.placement.ended(ticket, ticket.engine, output_tokens)
