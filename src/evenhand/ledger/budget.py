"""What may be used, by whom, in which period; and what is told where it does not suffice."""

from dataclasses import dataclass

from evenhand.ledger.period import Period
from evenhand.model import KeyId, TenantPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits; None: no limit. `tokens_max` counts input and output of every request, `nano_max` is money
    in nano-units of `currency`: under it nothing may be priced in another one."""

    nano_max: int | None = None
    tokens_max: int | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRule:
    """A budget of a tenant with all beneath it (`tenant`), or of a `key`, begun anew each `period`.

    Hard: what would exceed it is refused. Soft: it goes to the lowest lane, and is flagged.
    """

    tenant: TenantPath = ()
    key: KeyId | None = None
    period: Period
    limits: Budget
    is_hard: bool = True

    def __post_init__(self) -> None:
        assert bool(self.tenant) is (self.key is None), "of a tenant or of a key"


@dataclass(slots=True)
class Spent:
    """What a key has posted and holds: tokens over all its accounts, money over those of one
    currency."""

    posted_nano: int = 0
    posted_tokens: int = 0
    held_nano: int = 0
    held_tokens: int = 0


@dataclass(frozen=True, slots=True)
class OverBudget:
    """Why nothing was held. All in nano-units (`is_money`) or in tokens. `resets_ms` is when the budget
    begins anew, by the wall clock; None: never."""

    is_money: bool
    limit: int
    posted: int
    held: int
    asked: int
    tenant: TenantPath = ()
    """Whose budget it is; empty: the key's."""
    period: Period = Period.TOTAL
    resets_ms: int | None = None

    @property
    def may_fit_later(self) -> bool:
        """It would fit once the other open requests have settled for nothing."""
        return self.posted + self.asked <= self.limit

    @property
    def fits_anew(self) -> bool:
        """It would fit when the budget has begun anew."""
        return self.resets_ms is not None and self.asked <= self.limit


@dataclass(frozen=True, slots=True)
class OtherCurrency:
    """Why nothing was held: the request is priced in `priced`, and its budget counts `counted`."""

    priced: str
    counted: str


def over(budget: Budget, spent: Spent, *, nano: int, tokens: int) -> OverBudget | None:
    """Whether holding that much more would exceed the budget."""
    if budget.nano_max is not None and spent.posted_nano + spent.held_nano + nano > budget.nano_max:
        return OverBudget(True, budget.nano_max, spent.posted_nano, spent.held_nano, nano)
    if (
        budget.tokens_max is not None
        and spent.posted_tokens + spent.held_tokens + tokens > budget.tokens_max
    ):
        return OverBudget(False, budget.tokens_max, spent.posted_tokens, spent.held_tokens, tokens)
    return None
