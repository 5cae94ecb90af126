"""What counts against one budget in one of its periods."""

from dataclasses import dataclass, replace

from evenhand.ledger.budget import BudgetRule, OverBudget, Spent, over
from evenhand.ledger.day_sum import DAY_MS
from evenhand.ledger.period import ALL_TIME, Span, span_of


@dataclass(slots=True, eq=False)
class Tally:
    """Tokens of all that was held in `span`, and money of that part which is in `currency`. Each hold
    knows its tallies, and settles there, however much later."""

    span: Span
    currency: str
    spent: Spent

    def hold(self, nano: int, tokens: int, currency: str) -> None:
        """So much more is held, or less."""
        spent = self.spent
        spent.held_tokens += tokens
        if currency == self.currency:
            spent.held_nano += nano

    def post(self, nano: int, tokens: int, currency: str) -> None:
        """So much more was used."""
        spent = self.spent
        spent.posted_tokens += tokens
        if currency == self.currency:
            spent.posted_nano += nano

    @property
    def resets_ms(self) -> int | None:
        """When the period is over; None: never."""
        return None if self.span == ALL_TIME else self.span.end * DAY_MS


class Watch:
    """A rule with the tally of its present period. Periods only ever go forward."""

    __slots__ = ("rule", "tally")

    def __init__(self, rule: BudgetRule, day: int) -> None:
        self.rule = rule
        self.tally = self._fresh(day)

    def on(self, day: int) -> Tally:
        """The tally for what is held on that day, no earlier than any before. O(1)."""
        if day >= self.tally.span.end:
            self.tally = self._fresh(day)
        return self.tally

    def as_of(self, day: int) -> Tally:
        """The same for whoever only asks: nothing begins by it."""
        return self._fresh(day) if day >= self.tally.span.end else self.tally

    def over(self, day: int, *, nano: int, tokens: int) -> OverBudget | None:
        """Whether holding so much more that day would exceed it."""
        rule, tally = self.rule, self.on(day)
        exceeded = over(rule.limits, tally.spent, nano=nano, tokens=tokens)
        if exceeded is None:
            return None
        return replace(exceeded, tenant=rule.tenant, period=rule.period, resets_ms=tally.resets_ms)

    def _fresh(self, day: int) -> Tally:
        rule = self.rule
        return Tally(span_of(rule.period, day), rule.limits.currency, Spent())
