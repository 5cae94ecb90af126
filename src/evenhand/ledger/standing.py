"""How a budget stands at a moment, for whoever asks."""

from dataclasses import dataclass

from evenhand.ledger.budget import BudgetRule, Spent


@dataclass(frozen=True, slots=True)
class BudgetStanding:
    """`spent` counts against the rule in its present period, which is over at `resets_ms` of the wall
    clock (None: never). Its money is in nano-units of the rule's currency."""

    rule: BudgetRule
    spent: Spent
    resets_ms: int | None

    @property
    def nano_left(self) -> int | None:
        """Money that is neither posted nor held, never below 0; None: there is no limit to it."""
        most, spent = self.rule.limits.nano_max, self.spent
        return None if most is None else max(0, most - spent.posted_nano - spent.held_nano)

    @property
    def tokens_left(self) -> int | None:
        """The same of tokens."""
        most, spent = self.rule.limits.tokens_max, self.spent
        return None if most is None else max(0, most - spent.posted_tokens - spent.held_tokens)

    @property
    def is_used_up(self) -> bool:
        """Nothing is left of one of its limits."""
        return 0 in {self.nano_left, self.tokens_left}
