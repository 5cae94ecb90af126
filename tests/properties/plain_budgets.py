"""Budgets recounted from a plain list of what was held and posted, with the calendar of the standard
library: what the books must say of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from evenhand.ledger import BudgetRule, Consumer, Period, Price
from evenhand.model import Usage

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Entry:
    """One hold, or one correction (which holds nothing)."""

    number: int
    consumer: Consumer
    price: Price
    at_ms: int
    held_tokens: int
    held_nano: int
    usage: Usage | None = None
    is_open: bool = True
    gpu_us: int = 0
    corrected: tuple[int, int] = (0, 0)
    """Tokens and nano-units."""

    @property
    def posted(self) -> tuple[int, int]:
        """Tokens and nano-units."""
        tokens, nano = self.corrected
        if self.usage is not None:
            tokens += self.usage.input_tokens + self.usage.output_tokens
            nano += self.price.of(self.usage)
        return tokens, nano + self.gpu_us * self.price.gpu_second // 10**6

    @property
    def held(self) -> tuple[int, int]:
        return (self.held_tokens, self.held_nano) if self.is_open else (0, 0)


@dataclass
class Counted:
    """Tokens and nano-units of a rule's currency."""

    posted_tokens: int = 0
    posted_nano: int = 0
    held_tokens: int = 0
    held_nano: int = 0


@dataclass
class PlainBudgets:
    """All entries by number, and the latest moment at which anything was held or changed."""

    entries: dict[int, Entry] = field(default_factory=dict)
    latest_ms: int = 0

    def now(self, at_ms: int) -> int:
        """The moment that counts: a clock that was set back stands still."""
        self.latest_ms = max(self.latest_ms, at_ms)
        return self.latest_ms

    def counted(self, rule: BudgetRule, at_ms: int) -> Counted:
        """What counts against the rule in the period of that moment."""
        first, end = period_of(rule.period, at_ms)
        found = Counted()
        for entry in self.entries.values():
            if not first <= entry.at_ms < end or not is_over(rule, entry.consumer):
                continue
            found.posted_tokens += entry.posted[0]
            found.held_tokens += entry.held[0]
            if entry.price.currency == rule.limits.currency:
                found.posted_nano += entry.posted[1]
                found.held_nano += entry.held[1]
        return found

    def exceeded(
        self, rules: Iterable[BudgetRule], consumer: Consumer, at_ms: int, *, tokens: int, nano: int
    ) -> list[BudgetRule]:
        """Which rules holding so much more then would exceed."""
        found = []
        for rule in rules:
            if not is_over(rule, consumer):
                continue
            counted, limits = self.counted(rule, at_ms), rule.limits
            with_tokens = counted.posted_tokens + counted.held_tokens + tokens
            with_nano = counted.posted_nano + counted.held_nano + nano
            if (limits.tokens_max is not None and with_tokens > limits.tokens_max) or (
                limits.nano_max is not None and with_nano > limits.nano_max
            ):
                found.append(rule)
        return found


def is_over(rule: BudgetRule, consumer: Consumer) -> bool:
    """Whether it counts what that consumer uses."""
    if rule.key is not None:
        return rule.key == consumer.key
    return consumer.tenant[: len(rule.tenant)] == rule.tenant


def period_of(period: Period, at_ms: int) -> tuple[int, int]:
    """In milliseconds since 1970; the end is no part of it."""
    midnight = (_EPOCH + timedelta(milliseconds=at_ms)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    if period is Period.DAY:
        first, end = midnight, midnight + timedelta(days=1)
    elif period is Period.WEEK:
        first = midnight - timedelta(days=midnight.weekday())
        end = first + timedelta(days=7)
    elif period is Period.MONTH:
        first = midnight.replace(day=1)
        end = (first + timedelta(days=31)).replace(day=1)
    else:
        return 0, 1 << 62
    return _ms(first), _ms(end)


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
