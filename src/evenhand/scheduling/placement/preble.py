"""Preble's E2: exploit a cached prefix that is longer than what must be computed, else explore.

Derivation, and what of it is not modelled: preble.md.
"""

from collections.abc import Sequence

from evenhand.model import EngineName
from evenhand.scheduling.capacity import EngineState
from evenhand.scheduling.cost.weights import TokenWeights
from evenhand.scheduling.node import Node
from evenhand.scheduling.placement.holders import Holders
from evenhand.scheduling.placement.protocol import Placement
from evenhand.scheduling.placement.windowed_cost import Placed, WindowedCost
from evenhand.scheduling.prefixes import Prefixes
from evenhand.scheduling.ticket import Ticket


class Preble:
    """Costs are units: uncached input tokens and output tokens, each by its weight, which stands for
    the time that it takes."""

    def __init__(
        self,
        prefixes: Prefixes,
        weights: TokenWeights,
        *,
        window_requests: int,
        rebalance_percent: int,
        rebalance_tokens_min: int,
    ) -> None:
        self._prefixes = prefixes
        self._holders = Holders(prefixes)
        self._weights = weights
        self._rebalance_percent = rebalance_percent
        self._rebalance_units_min = rebalance_tokens_min * weights.input
        self._cost = WindowedCost(window_requests)
        # Bounded by the open requests.
        self._placed: dict[Ticket, Placed] = {}

    def choose(self, ticket: Ticket, candidates: Sequence[EngineState]) -> EngineState:
        matched, holders = self._holders.longest(ticket.request, candidates)
        if 2 * matched > len(ticket.request.prefix):
            return self._exploit(holders, candidates)
        return min(candidates, key=lambda engine: (self._explored(ticket, engine), engine.name))

    def _exploit(
        self, holders: Sequence[EngineState], candidates: Sequence[EngineState]
    ) -> EngineState:
        """The cheapest holder; if that is the dearest of all by far, the cheapest of all instead."""
        chosen, cheapest = self._cheapest(holders), self._cheapest(candidates)
        cost, least = self._cost.of(chosen), self._cost.of(cheapest)
        is_dearest = cost == max(self._cost.of(engine) for engine in candidates)
        is_far = 100 * cost >= self._rebalance_percent * least
        if is_dearest and is_far and cost - least >= self._rebalance_units_min:
            return cheapest
        return chosen

    def _cheapest(self, among: Sequence[EngineState]) -> EngineState:
        return min(among, key=lambda engine: (self._cost.of(engine), engine.name))

    def _explored(self, ticket: Ticket, engine: EngineState) -> int:
        """What the engine would have cost with this request: the window, and the prefill of what it
        would miss. The decoding is the same everywhere."""
        return self._cost.of(engine) + self._prefill_units(ticket, engine.name)

    def _prefill_units(self, ticket: Ticket, engine: EngineName) -> int:
        cached = self._prefixes.cached_tokens(ticket.request, engine, ticket.input_tokens)
        return (ticket.input_tokens - cached) * self._weights.input

    def queued(self, ticket: Ticket) -> None:
        assert ticket.home is not None
        self._place(ticket, ticket.home, self._prefill_units(ticket, ticket.home))
        self._holders.queued(ticket)

    def unqueued(self, ticket: Ticket) -> None:
        self._cost.correct(self._placed.pop(ticket), 0)
        self._holders.unqueued(ticket)

    def started(self, ticket: Ticket, engine: EngineName) -> None:
        uncached = ticket.input_tokens - ticket.cached_tokens
        self._place(ticket, engine, uncached * self._weights.input)

    def ended(self, ticket: Ticket, engine: EngineName, output_tokens: int) -> None:
        """It stays in the window, with what it really produced."""
        del engine
        uncached = ticket.input_tokens - ticket.cached_tokens
        units = uncached * self._weights.input + output_tokens * self._weights.output
        self._cost.correct(self._placed.pop(ticket), units)

    def _place(self, ticket: Ticket, engine: EngineName, prefill_units: int) -> None:
        units = prefill_units + ticket.paid_tokens * self._weights.output
        self._placed[ticket] = self._cost.add(engine, units)

    def engine_changed(self, state: EngineState) -> None:
        """What it cost stays in the window until newer requests have pushed it out."""

    def forget(self, leaf: Node) -> None:
        """It knows no tenants."""


_: type[Placement] = Preble
