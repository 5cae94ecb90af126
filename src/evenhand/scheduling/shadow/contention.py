"""When tenants compete: somebody waits, and at least two tenants have requests open.

Only then does an order decide who gets more. A tenant that waits behind nobody but itself competes
with nobody.
"""

from evenhand.model import TenantPath


class Contention:
    """A clock that runs while tenants compete. Told of every request of one world, in order of time.
    Bounded by the requests that are open."""

    def __init__(self) -> None:
        self._open: dict[TenantPath, int] = {}
        self._waiting = 0
        self._elapsed_ms = 0
        self._since_ms: int | None = None

    def elapsed_ms(self, now_ms: int) -> int:
        """For how long there was contention up to now."""
        return self._elapsed_ms + (0 if self._since_ms is None else now_ms - self._since_ms)

    def opened(self, tenant: TenantPath, now_ms: int) -> None:
        """A request came, and waits."""
        self._open[tenant] = self._open.get(tenant, 0) + 1
        self.waits(now_ms, 1)

    def waits(self, now_ms: int, change: int) -> None:
        """So many more requests wait; negative: fewer."""
        self._waiting += change
        assert self._waiting >= 0
        self._turn(now_ms)

    def closed(self, tenant: TenantPath, now_ms: int) -> None:
        """A request that did not wait any more has ended."""
        self._open[tenant] -= 1
        if not self._open[tenant]:
            del self._open[tenant]
        self._turn(now_ms)

    def _turn(self, now_ms: int) -> None:
        is_on = self._waiting > 0 and len(self._open) > 1
        if is_on == (self._since_ms is not None):
            return
        self._elapsed_ms = self.elapsed_ms(now_ms)
        self._since_ms = now_ms if is_on else None
