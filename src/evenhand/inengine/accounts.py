"""What an engine computed, exactly, and for whom: every position of a request once for its tenant; what
is computed again after a preemption, and what is thrown away, for nobody.

Nothing is counted step by step: where a request stands when it begins, is taken back or ends says all.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from evenhand.model import TenantPath


class Positions:
    """Of one request. `mark` is the first position that was never computed nor found in the cache."""

    __slots__ = ("mark", "start")

    def __init__(self) -> None:
        self.mark = 0
        self.start: int | None = None

    def begin(self, position: int) -> None:
        """It runs: what comes before was in the cache."""
        self.start = position
        self.mark = max(self.mark, position)

    def stop(self, position: int) -> tuple[int, int]:
        """It runs no more. Says how many positions were computed for the first time, how many again."""
        computed = self._computed(position)
        self.mark, self.start = max(self.mark, position), None
        return computed

    def so_far(self, position: int) -> tuple[int, int]:
        """The same of one that runs on."""
        return self._computed(position)

    def _computed(self, position: int) -> tuple[int, int]:
        if self.start is None or position <= self.start:
            return 0, 0
        fresh = max(0, position - max(self.start, self.mark))
        return fresh, position - self.start - fresh


@dataclass(slots=True)
class Accounts:
    """Tokens. The sum of all three is `scheduled`, at every moment in which no request runs."""

    by_tenant: dict[TenantPath, int] = field(default_factory=dict)
    """Bounded by the tenants that are known."""
    recomputed: int = 0
    discarded: int = 0
    """Drafts of speculative decoding that were not accepted."""
    scheduled: int = 0

    def book(self, tenant: TenantPath, computed: tuple[int, int]) -> None:
        """What `Positions` has found."""
        fresh, again = computed
        self.by_tenant[tenant] = self.by_tenant.get(tenant, 0) + fresh
        self.recomputed += again

    def with_running(self, running: Iterable[tuple[TenantPath, tuple[int, int]]]) -> "Accounts":
        """A copy with what runs so far: its sum is `scheduled` at every moment."""
        now = Accounts(dict(self.by_tenant), self.recomputed, self.discarded, self.scheduled)
        for tenant, computed in running:
            now.book(tenant, computed)
        return now

    @property
    def sum(self) -> int:
        """Of everybody's."""
        return sum(self.by_tenant.values()) + self.recomputed + self.discarded
