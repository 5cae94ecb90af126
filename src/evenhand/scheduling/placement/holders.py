"""Which engines hold most of a prompt, or will when what waits near them has run there."""

from collections.abc import Sequence

from evenhand.locality import WaitingPrompts
from evenhand.model import EngineName, Request, TrustDomain
from evenhand.scheduling.capacity import EngineState
from evenhand.scheduling.prefixes import Prefixes
from evenhand.scheduling.ticket import Ticket

_BLOCK_BYTES = 64
"""Engines keep whole blocks, of 16 tokens and more: a shorter match is none, and nobody holds more than
another for the sake of a few bytes."""


class Holders:
    """The published dispatchers note a prefix when they send it on. Here a request waits near its
    engine before it starts, and those that come meanwhile with the same prefix should join it."""

    def __init__(self, prefixes: Prefixes) -> None:
        self._prefixes = prefixes
        # Bounded by what waits near the engines.
        self._waiting: dict[tuple[TrustDomain, EngineName], WaitingPrompts[int]] = {}

    def longest(
        self, request: Request, candidates: Sequence[EngineState]
    ) -> tuple[int, list[EngineState]]:
        """The most bytes of its prefix that one of the candidates holds or will hold, in whole blocks,
        and those of which that is so: all, if it is so of none."""
        matched = self._prefixes.matched_by_engine(request)
        lengths = [
            max(matched.get(engine.name, 0), self._expected(request, engine.name))
            for engine in candidates
        ]
        blocks = [length // _BLOCK_BYTES for length in lengths]
        most = max(blocks)
        holders = [e for e, count in zip(candidates, blocks, strict=True) if count == most]
        return most * _BLOCK_BYTES, holders

    def queued(self, ticket: Ticket) -> None:
        """It waits near its home."""
        near = self._near(ticket)
        prompts = self._waiting.get(near)
        if prompts is None:
            prompts = self._waiting[near] = WaitingPrompts()
        prompts.add(ticket.sequence, ticket.request.prefix)

    def unqueued(self, ticket: Ticket) -> None:
        """It does no more."""
        near = self._near(ticket)
        prompts = self._waiting[near]
        prompts.remove(ticket.sequence, ticket.request.prefix)
        if not len(prompts):
            del self._waiting[near]

    def _expected(self, request: Request, engine: EngineName) -> int:
        prompts = self._waiting.get((request.trust_domain, engine))
        return 0 if prompts is None else prompts.longest(request.prefix)

    def _near(self, ticket: Ticket) -> tuple[TrustDomain, EngineName]:
        assert ticket.home is not None
        return ticket.request.trust_domain, ticket.home
