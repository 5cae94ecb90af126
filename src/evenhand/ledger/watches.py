"""All budgets with periods, and which of them a consumer is under."""

from collections import defaultdict
from collections.abc import Iterable

from evenhand.ledger.budget import BudgetRule, OtherCurrency, OverBudget
from evenhand.ledger.tally import Watch
from evenhand.model import KeyId, TenantPath

_NEVER_MS = 1 << 62


class Watches:
    """Made anew whenever a rule changes. Bounded by the rules, and by the keys that were asked about."""

    def __init__(self, rules: Iterable[BudgetRule] = (), day: int = 0) -> None:
        self.all = tuple(Watch(rule, day) for rule in rules)
        self._tenants: dict[TenantPath, list[Watch]] = defaultdict(list)
        self._keys: dict[KeyId, list[Watch]] = defaultdict(list)
        for watch in self.all:
            if watch.rule.key is None:
                self._tenants[watch.rule.tenant].append(watch)
            else:
                self._keys[watch.rule.key].append(watch)
        self._hard: dict[tuple[TenantPath, KeyId], bool] = {}

    def over(self, tenant: TenantPath, key: KeyId) -> tuple[Watch, ...]:
        """Those that count what a tenant's key uses: of the tenant, of all above it, and of the key."""
        if not self.all:
            return ()
        found: list[Watch] = []
        for depth in range(1, len(tenant) + 1):
            found += self._tenants.get(tenant[:depth], ())
        return (*found, *self._keys.get(key, ()))

    def is_hard(self, tenant: TenantPath, key: KeyId) -> bool:
        """Whether one of those is hard."""
        if not self.all:
            return False
        known = self._hard.get((tenant, key))
        if known is None:
            known = any(watch.rule.is_hard for watch in self.over(tenant, key))
            self._hard[tenant, key] = known
        return known


def judged(
    watches: Iterable[Watch], day: int, *, nano: int, tokens: int, currency: str
) -> OverBudget | OtherCurrency | bool:
    """What stands against holding so much more that day; else whether a soft budget is exceeded by it.
    Of several hard budgets the one is told that begins anew last."""
    is_over_soft = False
    told: OverBudget | None = None
    for watch in watches:
        limits = watch.rule.limits
        if limits.nano_max is not None and currency != limits.currency:
            return OtherCurrency(currency, limits.currency)
        exceeded = watch.over(day, nano=nano, tokens=tokens)
        if exceeded is None:
            continue
        if not watch.rule.is_hard:
            is_over_soft = True
        elif told is None or _anew_ms(exceeded) > _anew_ms(told):
            told = exceeded
    return told or is_over_soft


def _anew_ms(exceeded: OverBudget) -> int:
    """When it may fit; what never fits again lies last."""
    return exceeded.resets_ms if exceeded.fits_anew and exceeded.resets_ms else _NEVER_MS
