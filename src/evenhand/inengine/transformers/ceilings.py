"""Whom the core names, but for those that have as much of the engine's memory as they may."""

from collections.abc import Iterable
from typing import Any

from evenhand.inengine.settings import InEngineSettings
from evenhand.inengine.transformers.record import Record
from evenhand.inengine.transformers.roster import Roster
from evenhand.model import TenantPath
from evenhand.scheduling.batching import KvCeilings


class Ceilings:
    """In places of the cache, one for each token. `count` at the beginning of a step."""

    def __init__(self, settings: InEngineSettings, roster: Roster, tokens_max: int) -> None:
        each = settings.kv_ceiling_percent
        self._roster = roster
        self._named_tokens = 0
        self._held_back: set[TenantPath] = set()  # bounded by the tenants that wait
        self._ceilings = KvCeilings(
            {
                tenant: percent * tokens_max // 100
                for tenant, percent in settings.kv_ceilings_percent.items()
            },
            each=None if each is None else each * tokens_max // 100,
        )

    def count(self, running: Iterable[str]) -> None:
        """How much everybody has; whoever may have more competes again."""
        if not self._ceilings.are_set:
            return
        roster = self._roster
        records = [roster.records[request_id] for request_id in running]
        self._ceilings.count((record.tenant, record.memory_tokens) for record in records)
        for tenant in sorted(self._held_back):
            waiting = roster.waiting.get(tenant)
            if waiting is None or self._admits(next(iter(waiting.values()))):
                self._held_back.remove(tenant)
                roster.host.scheduler.let_go(tenant)

    def head(self) -> str | None:
        """Who is next; None: nobody may be started at the moment."""
        roster = self._roster
        while True:
            head = roster.host.head(roster.clock.now_ms)
            if head is None:
                return None
            if self._admits(roster.records[head]):
                self._named_tokens = roster.records[head].memory_tokens
                return head
            tenant = roster.records[head].tenant
            self._held_back.add(tenant)
            roster.host.scheduler.hold_back(tenant)

    def take(self, state: Any) -> None:
        """The one that was named last has begun."""
        if self._ceilings.are_set:
            tenant = self._roster.records[state.request_id].tenant
            self._ceilings.take(tenant, self._named_tokens)

    def _admits(self, record: Record) -> bool:
        if not self._ceilings.are_set:
            return True
        return self._ceilings.admits(record.tenant, record.memory_tokens)
