"""What the core believes about the engines' prefix caches: who holds how much of which prompt.

A belief: an engine is taken to hold every prefix that was started there, until it is said to have
dropped it or the index runs out of room. Wrong beliefs cost time, never an answer.
"""

from collections.abc import Callable

from evenhand.locality import NODE_BYTES, PrefixIndex
from evenhand.model import EngineName, Request, TrustDomain

Gained = Callable[[TrustDomain, EngineName, bytes, int], None]
"""An engine that held so many bytes of a prefix holds all of it from now on."""


class Prefixes:
    """One index for each trust domain; prefixes of different ones never meet. Bounded by the configured
    domains times `index_bytes_max`. An engine that goes down keeps what it is believed to hold: most
    come back with their memory. One that was restarted, or whose models changed, must be forgotten."""

    def __init__(self, index_bytes_max: int) -> None:
        self._index_bytes_max = index_bytes_max
        self._indexes: dict[TrustDomain, PrefixIndex] = {}
        self._listeners: list[Gained] = []
        self.losses = 0
        """How often an engine may have lost something: while it stays the same, no match has shrunk."""

    def listen(self, gained: Gained) -> None:
        """Call this whenever an engine gains a prefix. What engines lose is not told: ask again."""
        self._listeners.append(gained)

    def matched(self, request: Request, engine: EngineName) -> int:
        """How many bytes of the request's prefix the engine holds."""
        index = self._indexes.get(request.trust_domain)
        return 0 if index is None else index.matched(request.prefix, engine)

    def matched_by_engine(self, request: Request) -> dict[EngineName, int]:
        """The same for all engines that hold at least a byte of it."""
        index = self._indexes.get(request.trust_domain)
        return {} if index is None else index.matched_by_engine(request.prefix)

    def longest(self, request: Request) -> tuple[int, tuple[EngineName, ...]]:
        """The most bytes of it that any engine holds, and which do, by name; `(0, ())` if none does."""
        index = self._indexes.get(request.trust_domain)
        return (0, ()) if index is None else index.longest(request.prefix)

    def cached_tokens(self, request: Request, engine: EngineName, input_tokens: int) -> int:
        """How many of the tokens that its prompt is taken to be are in the engine's cache."""
        if not request.prefix:
            return 0
        return input_tokens * self.matched(request, engine) // len(request.prefix)

    def started(self, request: Request, engine: EngineName, input_tokens: int) -> int:
        """The request runs there, so the engine holds its prefix from now on. How many of the tokens
        that its prompt is taken to be were in the engine's cache before."""
        if not request.prefix:
            return 0
        held = self.stored(request.trust_domain, engine, request.prefix)
        return input_tokens * held // len(request.prefix)

    def stored(self, domain: TrustDomain, engine: EngineName, prefix: bytes) -> int:
        """The engine holds this prefix from now on. How many bytes of it were believed held before."""
        index = self._indexes.get(domain)
        if index is None:
            index = self._indexes[domain] = PrefixIndex(self._index_bytes_max)
        held = index.matched(prefix, engine)
        may_lose = index.bytes_stored + len(prefix) + 2 * NODE_BYTES > self._index_bytes_max
        index.insert(prefix, engine)
        if may_lose:  # the least recently used makes room, and so may what is too long
            self.losses += 1
            prefix = prefix[: index.matched(prefix, engine)]
        if held < len(prefix):
            for gained in self._listeners:
                gained(domain, engine, prefix, held)
        return held

    def evicted(self, trust_domain: TrustDomain, engine: EngineName, prefix: bytes) -> None:
        """The engine has dropped this prefix and all that continues it; `b""` is everything."""
        index = self._indexes.get(trust_domain)
        if index is not None:
            self.losses += 1
            index.evict(engine, prefix)

    def forget(self, engine: EngineName) -> None:
        """Its cache is empty, or gone."""
        self.losses += 1
        for index in self._indexes.values():
            index.forget(engine)
