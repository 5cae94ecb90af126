"""To the engine that holds the prompt's beginning, unless the engines are loaded too unevenly.

The rule of SGLang's router as its documentation describes it. Derivation: cache_aware.md.
"""

from collections.abc import Sequence

from evenhand.model import EngineName
from evenhand.scheduling.capacity import EngineState
from evenhand.scheduling.node import Node
from evenhand.scheduling.placement.holders import Holders
from evenhand.scheduling.placement.outstanding import Outstanding
from evenhand.scheduling.placement.protocol import Placement
from evenhand.scheduling.prefixes import Prefixes
from evenhand.scheduling.ticket import Ticket


class CacheAware:
    """Uneven: the most loaded has more than `imbalance_requests` more requests than the least loaded
    one, and more than `imbalance_percent` of its number. Then, or if less than `match_percent_min` of
    the prefix is held anywhere, to the one with the fewest outstanding tokens."""

    def __init__(
        self,
        prefixes: Prefixes,
        *,
        match_percent_min: int,
        imbalance_requests: int,
        imbalance_percent: int,
    ) -> None:
        self._holders = Holders(prefixes)
        self._match_percent_min = match_percent_min
        self._imbalance_requests = imbalance_requests
        self._imbalance_percent = imbalance_percent
        self._outstanding = Outstanding(prefixes)

    def choose(self, ticket: Ticket, candidates: Sequence[EngineState]) -> EngineState:
        among = candidates
        if not self._is_uneven(candidates):
            matched, holders = self._holders.longest(ticket.request, candidates)
            if matched and 100 * matched >= self._match_percent_min * len(ticket.request.prefix):
                among = holders
        return min(among, key=lambda engine: (self._outstanding.tokens(engine), engine.name))

    def _is_uneven(self, candidates: Sequence[EngineState]) -> bool:
        loads = [self._outstanding.requests(engine) for engine in candidates]
        most, least = max(loads), min(loads)
        return (
            most - least > self._imbalance_requests and 100 * most > self._imbalance_percent * least
        )

    def queued(self, ticket: Ticket) -> None:
        self._outstanding.queued(ticket)
        self._holders.queued(ticket)

    def unqueued(self, ticket: Ticket) -> None:
        self._outstanding.left(ticket)
        self._holders.unqueued(ticket)

    def started(self, ticket: Ticket, engine: EngineName) -> None:
        self._outstanding.started(ticket, engine)

    def ended(self, ticket: Ticket, engine: EngineName, output_tokens: int) -> None:
        del engine, output_tokens
        self._outstanding.left(ticket)

    def engine_changed(self, state: EngineState) -> None:
        """Its load stays known, and what it holds is for the prefixes to say."""

    def forget(self, leaf: Node) -> None:
        """It knows no tenants."""


_: type[Placement] = CacheAware
