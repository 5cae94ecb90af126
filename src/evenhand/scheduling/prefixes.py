"""What the core believes about the engines' prefix caches: who holds how much of which prompt.

A belief: an engine is taken to hold every prefix that was started there, until it is said to have
dropped it, it cannot hold so much, or the index runs out of room. It is corrected whenever an engine
says how much of a prompt was cached. Wrong beliefs cost time, never an answer.
"""

from collections.abc import Callable

from evenhand.locality import EngineMemories, PrefixIndex
from evenhand.model import EngineName, Request, TrustDomain
from evenhand.scheduling.engine_cache import Cause, EngineCache
from evenhand.scheduling.ticket import Ticket

_SLACK_PART = 32
"""Tokens are spread over a prompt as if evenly, which is not right to the last one: no less than such a
part of it counts as a difference."""

Gained = Callable[[TrustDomain, EngineName, bytes, int], None]
"""An engine that held so many bytes of a prefix holds all of it from now on."""


class Prefixes:
    """One index for each trust domain; prefixes of different ones never meet. Bounded by the configured
    domains times `index_bytes_max`. An engine that goes down keeps what it is believed to hold: most
    come back with their memory. One that was restarted, or whose models changed, must be forgotten."""

    def __init__(self, index_bytes_max: int) -> None:
        self._index_bytes_max = index_bytes_max
        self._indexes: dict[TrustDomain, PrefixIndex] = {}
        self._memories = EngineMemories()
        self.caches: dict[EngineName, EngineCache] = {}
        """Bounded by the configured engines."""
        self._listeners: list[Gained] = []
        self.losses = 0
        """How often an engine may have lost something: while it stays the same, no match has shrunk."""

    def listen(self, gained: Gained) -> None:
        """Call this whenever an engine gains a prefix. What engines lose is not told: ask again."""
        self._listeners.append(gained)

    def listen_no_more(self) -> None:
        """Nobody is told from here on."""
        self._listeners.clear()

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
            index = PrefixIndex(self._index_bytes_max, self._memories)
            self._indexes[domain] = index
        held, forgotten = index.matched(prefix, engine), index.forgotten
        index.insert(prefix, engine)
        is_trimmed = self._trim(engine)
        if is_trimmed or index.forgotten != forgotten or len(prefix) > index.prefix_bytes_max:
            self.losses += 1
            prefix = prefix[: index.matched(prefix, engine)]
        if held < len(prefix):
            for gained in self._listeners:
                gained(domain, engine, prefix, held)
        return held

    def evicted(
        self,
        trust_domain: TrustDomain,
        engine: EngineName,
        prefix: bytes,
        why: Cause = Cause.EVENT,
    ) -> None:
        """The engine has dropped this prefix and all that continues it; `b""` is everything."""
        index = self._indexes.get(trust_domain)
        if index is not None:
            self.losses += 1
            self.cache(engine).corrections[why] += 1
            index.evict(engine, prefix)

    def forget(self, engine: EngineName) -> None:
        """Its cache is empty, or gone."""
        self.losses += 1
        if self._memories.held_bytes(engine):
            self.cache(engine).corrections[Cause.CLEARED] += 1
        for index in self._indexes.values():
            index.forget(engine)
        self._memories.forget(engine)

    def sized(self, engine: EngineName, tokens_max: int | None, block_tokens: int | None) -> None:
        """Its cache holds no more than so many tokens, in blocks of so many: what it has used least
        recently beyond that is gone."""
        cache = self.cache(engine)
        cache.tokens_max = tokens_max
        if block_tokens:
            cache.block_tokens = block_tokens
        if self._trim(engine):
            self.losses += 1

    def counted(
        self, ticket: Ticket, engine: EngineName, input_tokens: int, cached_tokens: int | None
    ) -> None:
        """The engine, where it runs, has said how long its prompt is and, unless None, how much of it
        was cached. If that is less than was believed, what continues it is gone too, but for this
        prompt, which has been computed now."""
        request = ticket.request
        prefix, cache = request.prefix, self.cache(engine)
        if not prefix or not input_tokens or not ticket.input_tokens:
            return
        # The prefix may be the beginning only; of what has its tokens in it, it is the whole.
        is_whole = request.prompt_tokens is not None
        text_bytes = len(prefix) if is_whole else max(len(prefix), request.prompt_bytes)
        cache.learn(text_bytes, input_tokens)
        if cached_tokens is None:
            return
        cache.believed_tokens += input_tokens * ticket.cached_tokens // ticket.input_tokens
        cache.reported_tokens += cached_tokens
        held = len(prefix) * ticket.cached_tokens // ticket.input_tokens
        slack = cache.block_tokens + input_tokens // _SLACK_PART
        there = (cached_tokens + slack) * text_bytes // input_tokens
        if there < held:
            self.evicted(request.trust_domain, engine, prefix[: there + 1], Cause.USAGE)
            self.stored(request.trust_domain, engine, prefix)

    def cache(self, engine: EngineName) -> EngineCache:
        """What is known of its cache."""
        cache = self.caches.get(engine)
        if cache is None:
            cache = self.caches[engine] = EngineCache()
        return cache

    def _trim(self, engine: EngineName) -> bool:
        """True: it is believed to hold less than before."""
        cache = self.caches.get(engine)
        bytes_max = None if cache is None else cache.bytes_max
        if cache is None or bytes_max is None or not self._memories.trim(engine, bytes_max):
            return False
        cache.corrections[Cause.CAPACITY] += 1
        return True
