"""D2LPM's dispatcher: to the engine that holds most of the prompt, as far as the tenant's quantum there
reaches. Derivation and bound: d2lpm.md.
"""

from collections.abc import Sequence

from evenhand.model import EngineName
from evenhand.scheduling.capacity import EngineState
from evenhand.scheduling.cost.weights import TokenWeights
from evenhand.scheduling.node import Node
from evenhand.scheduling.placement.engine_quanta import EngineQuanta
from evenhand.scheduling.placement.holders import Holders
from evenhand.scheduling.placement.outstanding import Outstanding
from evenhand.scheduling.placement.protocol import Placement
from evenhand.scheduling.prefixes import Prefixes
from evenhand.scheduling.ticket import Ticket


class D2lpm:
    """The quantum of a tenant is `engine_quantum_tokens` of uncached input times its weight. All input
    is charged where it waits or runs, cached or not, and output where it was produced."""

    def __init__(
        self, prefixes: Prefixes, weights: TokenWeights, *, engine_quantum_tokens: int
    ) -> None:
        self._holders = Holders(prefixes)
        self._weights = weights
        self._quantum_units = engine_quantum_tokens * weights.input
        self._outstanding = Outstanding(prefixes)
        # Bounded by the tenants that are not long idle, and by the tickets that wait near an engine.
        self._quanta: dict[Node, EngineQuanta] = {}
        self._charged_at_home: dict[Ticket, int] = {}

    def choose(self, ticket: Ticket, candidates: Sequence[EngineState]) -> EngineState:
        quanta, quantum = self._of(ticket.leaf)
        eligible = quanta.eligible([engine.name for engine in candidates], quantum)
        _, holders = self._holders.longest(ticket.request, candidates)
        among = [engine for engine in holders if engine.name in eligible]
        if not among:
            among = [engine for engine in candidates if engine.name in eligible]
        return min(among, key=lambda engine: (self._outstanding.tokens(engine), engine.name))

    def queued(self, ticket: Ticket) -> None:
        assert ticket.home is not None
        units = self._charged_at_home[ticket] = ticket.input_tokens * self._weights.input
        self._charge(ticket.leaf, ticket.home, units)
        self._outstanding.queued(ticket)
        self._holders.queued(ticket)

    def unqueued(self, ticket: Ticket) -> None:
        """Refunded there: its start charges it where it runs."""
        assert ticket.home is not None
        self._charge(ticket.leaf, ticket.home, -self._charged_at_home.pop(ticket))
        self._outstanding.left(ticket)
        self._holders.unqueued(ticket)

    def started(self, ticket: Ticket, engine: EngineName) -> None:
        self._charge(ticket.leaf, engine, ticket.input_tokens * self._weights.input)
        self._outstanding.started(ticket, engine)

    def ended(self, ticket: Ticket, engine: EngineName, output_tokens: int) -> None:
        self._charge(ticket.leaf, engine, output_tokens * self._weights.output)
        self._outstanding.left(ticket)

    def _charge(self, leaf: Node, engine: EngineName, units: int) -> None:
        quanta, quantum = self._of(leaf)
        quanta.charge(engine, units, quantum)

    def _of(self, leaf: Node) -> tuple[EngineQuanta, int]:
        """Its quanta, and how many units one is."""
        quanta = self._quanta.get(leaf)
        if quanta is None:
            quanta = self._quanta[leaf] = EngineQuanta()
        return quanta, self._quantum_units * leaf.weight

    def engine_changed(self, state: EngineState) -> None:
        """Who comes back has one quantum at most, whatever it missed."""

    def forget(self, leaf: Node) -> None:
        self._quanta.pop(leaf, None)


_: type[Placement] = D2lpm
