"""What a change of the share tree does to what each tenant is promised."""

from collections.abc import Sequence
from dataclasses import dataclass

from evenhand.cli.config import Tenant
from evenhand.model import TenantPath


@dataclass(frozen=True, slots=True)
class PromisedShare:
    """A tenant's part of the whole while all have work, 0 to 1; None: it is not there."""

    path: TenantPath
    before: float | None
    after: float | None

    @property
    def moved(self) -> float:
        """By how much, either way."""
        return abs((self.after or 0.0) - (self.before or 0.0))


def promises(old: Sequence[Tenant], new: Sequence[Tenant], rows_max: int) -> list[PromisedShare]:
    """Of those whose share changes, most changed first, at most so many."""
    if old == new:
        return []
    before, after = promised(old), promised(new)
    changed = [
        PromisedShare(path, before.get(path), after.get(path))
        for path in {**before, **after}
        if before.get(path) != after.get(path)
    ]
    changed.sort(key=lambda share: (-share.moved, share.path))
    return changed[:rows_max]


def promised(tenants: Sequence[Tenant]) -> dict[TenantPath, float]:
    """Of every tenant."""
    found: dict[TenantPath, float] = {}
    waiting: list[tuple[TenantPath, float, Sequence[Tenant]]] = [((), 1.0, tenants)]
    while waiting:
        path, whole, siblings = waiting.pop()
        weights = sum(tenant.weight for tenant in siblings)
        for tenant in siblings:
            here, share = (*path, tenant.name), whole * tenant.weight / weights
            found[here] = share
            if tenant.children:
                waiting.append((here, share, tenant.children))
    return found
