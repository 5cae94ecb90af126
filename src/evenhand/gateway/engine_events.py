"""What an engine's KV events mean for beliefs: told to the scheduler, counted, and said in the log."""

import time
from collections import Counter

from evenhand.gateway.cache_salt import CacheSalts
from evenhand.gateway.engine_caches import EngineCaches
from evenhand.gateway.engine_link import EngineLink
from evenhand.model import ModelName
from evenhand.scheduling import Scheduler
from evenhand.telemetry import RequestLog
from evenhand.wire.prefix_text import token_prefix

_AGAIN_S = 60.0
"""The same trouble of the same engine is said again after so long; it is counted each time."""


class EngineEvents:
    """See `EventListener`; for one engine. `model` is whose prompts its events tell."""

    def __init__(
        self,
        link: EngineLink,
        model: ModelName,
        scheduler: Scheduler,
        caches: EngineCaches,
        *,
        salts: CacheSalts,
        log: RequestLog,
    ) -> None:
        self._link = link
        self._model = model
        self._scheduler = scheduler
        self._caches = caches
        self._salts = salts
        self._log = log
        self._said_at: dict[str, float] = {}
        self.counts: Counter[str] = Counter()
        """How often what was heard; bounded by the kinds that there are."""

    def on_stored(self, tokens: bytes, salt: str | None) -> None:
        """See EventListener. What was not sent from here has a salt of nobody here."""
        domain = self._salts.domain_of(salt)
        if domain is not None:
            self.counts["stored"] += 1
            self._scheduler.stored(self._link.name, token_prefix(self._model, tokens), domain)

    def on_removed(self, tokens: bytes, salt: str | None) -> None:
        """See EventListener."""
        domain = self._salts.domain_of(salt)
        if domain is not None:
            self.counts["removed"] += 1
            self._scheduler.evicted(self._link.name, token_prefix(self._model, tokens), domain)

    def on_cleared(self, why: str) -> None:
        """See EventListener."""
        self.counts["cleared"] += 1
        self._log.event("kv_events", engine=self._link.name, what="cleared", reason=why)
        self._caches.emptied(self._link)

    def on_held(self, tokens: int | None) -> None:
        """See EventListener."""
        self._caches.held(self._link.name, tokens)

    def on_event(self, what: str, **facts: str | float) -> None:
        """See EventListener."""
        self.counts[what] += 1
        now_s = time.monotonic()
        said_at = self._said_at.get(what)
        if said_at is None or now_s - said_at >= _AGAIN_S:
            self._said_at[what] = now_s
            self._log.event("kv_events", engine=self._link.name, what=what, **facts)
