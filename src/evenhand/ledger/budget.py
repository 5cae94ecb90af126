"""Hard limits of a key: posted plus held never exceeds them, at any instant."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits for the whole life of a key; None: no limit. `tokens_max` counts input and output,
    `nano_max` is money in nano-units of the currency that prices are in."""

    nano_max: int | None = None
    tokens_max: int | None = None


@dataclass(slots=True)
class Spent:
    """What a key has posted and holds, over all its accounts of one currency."""

    posted_nano: int = 0
    posted_tokens: int = 0
    held_nano: int = 0
    held_tokens: int = 0


@dataclass(frozen=True, slots=True)
class OverBudget:
    """Why nothing was held. All in nano-units (`is_money`) or in tokens."""

    is_money: bool
    limit: int
    posted: int
    held: int
    asked: int

    @property
    def may_fit_later(self) -> bool:
        """It would fit once the other open requests have settled for nothing."""
        return self.posted + self.asked <= self.limit


def over(budget: Budget, spent: Spent, *, nano: int, tokens: int) -> OverBudget | None:
    """Whether holding that much more would exceed the budget."""
    if budget.nano_max is not None and spent.posted_nano + spent.held_nano + nano > budget.nano_max:
        return OverBudget(True, budget.nano_max, spent.posted_nano, spent.held_nano, nano)
    if (
        budget.tokens_max is not None
        and spent.posted_tokens + spent.held_tokens + tokens > budget.tokens_max
    ):
        return OverBudget(
            False,
            budget.tokens_max,
            spent.posted_tokens,
            spent.held_tokens,
            tokens,
        )
    return None
