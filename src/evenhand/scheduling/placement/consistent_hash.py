"""Equal keys go to the same engine, as far as that has room: rendezvous hashing with bounded load.

Derivation: consistent_hash.md.
"""

from collections.abc import Sequence

from evenhand.model import EngineName, Request
from evenhand.scheduling.capacity import EngineState
from evenhand.scheduling.node import Node
from evenhand.scheduling.placement.outstanding import Outstanding
from evenhand.scheduling.placement.protocol import Placement
from evenhand.scheduling.placement.stable_hash import hash_of, mixed
from evenhand.scheduling.ticket import Ticket


class ConsistentHash:
    """The key is the interaction if the client names one, else the first `key_bytes` of the prefix if
    the host gives it, else the tenant. `load_percent_max` is at least 100."""

    def __init__(self, *, key_bytes: int, load_percent_max: int) -> None:
        assert key_bytes >= 1
        assert load_percent_max >= 100, "somebody must have room"
        self._key_bytes = key_bytes
        self._load_percent_max = load_percent_max
        self._outstanding = Outstanding(None)
        # Bounded by the engines.
        self._hashes: dict[EngineName, int] = {}

    def choose(self, ticket: Ticket, candidates: Sequence[EngineState]) -> EngineState:
        key = hash_of(self.key(ticket.request))
        roomy = self._roomy(candidates)
        return max(roomy, key=lambda engine: (mixed(key ^ self._hash(engine.name)), engine.name))

    def key(self, request: Request) -> bytes:
        """By what it is placed. Interactions and tenants of one name are told apart by their path;
        texts by their trust domain, because engines share no cache across them."""
        if request.interaction and not request.interaction_is_new:
            return _joined("interaction", *request.tenant, request.interaction)
        if request.prefix:
            begin = request.prefix[: self._key_bytes]
            return _joined("prefix", request.trust_domain) + b"\0" + begin
        return _joined("tenant", *request.tenant)

    def _roomy(self, candidates: Sequence[EngineState]) -> list[EngineState]:
        """Those that may take one more: `load < percent / 100 * (all + 1) * window / windows`. The one
        that has least for its window always may."""
        loads = [self._outstanding.requests(engine) for engine in candidates]
        percent_of_all = self._load_percent_max * (sum(loads) + 1)
        windows = 100 * sum(engine.window for engine in candidates)
        return [
            engine
            for engine, load in zip(candidates, loads, strict=True)
            if load * windows < percent_of_all * engine.window
        ]

    def _hash(self, name: EngineName) -> int:
        known = self._hashes.get(name)
        if known is None:
            known = self._hashes[name] = hash_of(name.encode())
        return known

    def queued(self, ticket: Ticket) -> None:
        self._outstanding.queued(ticket)

    def unqueued(self, ticket: Ticket) -> None:
        self._outstanding.left(ticket)

    def started(self, ticket: Ticket, engine: EngineName) -> None:
        self._outstanding.started(ticket, engine)

    def ended(self, ticket: Ticket, engine: EngineName, output_tokens: int) -> None:
        del engine, output_tokens
        self._outstanding.left(ticket)

    def engine_changed(self, state: EngineState) -> None:
        """The candidates say who is there."""

    def forget(self, leaf: Node) -> None:
        """It remembers no keys."""


def _joined(*words: str) -> bytes:
    return "\0".join(words).encode()


_: type[Placement] = ConsistentHash
