"""How budgets stand, read when Prometheus asks."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from evenhand.ledger import BudgetStanding

BUDGETS_MAX = 256
"""Budgets with series of their own, in the order of the configuration; the others have none."""

_NANO = 10**9
_LABELS = ("whose", "period", "mode", "unit")


class BudgetStatus(Protocol):
    """What is asked of the bookkeeper."""

    soft_exceeded: int
    """Requests that exceeded a soft budget, since the start."""

    def budgets(self) -> Iterable[BudgetStanding]:
        """How each stands now."""


class BudgetCollector(Collector):
    """Register it once. A budget has a series for each of its limits: `unit` is `tokens` or a
    currency."""

    def __init__(self, status: BudgetStatus) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        limit = GaugeMetricFamily(
            "evenhand_budget_limit", "What a budget allows in a period.", labels=_LABELS
        )
        posted = GaugeMetricFamily(
            "evenhand_budget_posted", "What was spent of a budget in this period.", labels=_LABELS
        )
        held = GaugeMetricFamily(
            "evenhand_budget_held", "What open requests hold of a budget.", labels=_LABELS
        )
        for standing in islice(self._status.budgets(), BUDGETS_MAX):
            rule, spent = standing.rule, standing.spent
            whose = "/".join(rule.tenant) or f"key {rule.key}"
            labels = [whose, rule.period.value, "hard" if rule.is_hard else "soft"]
            limits = rule.limits
            if limits.tokens_max is not None:
                limit.add_metric([*labels, "tokens"], limits.tokens_max)
                posted.add_metric([*labels, "tokens"], spent.posted_tokens)
                held.add_metric([*labels, "tokens"], spent.held_tokens)
            if limits.nano_max is not None:
                limit.add_metric([*labels, limits.currency], limits.nano_max / _NANO)
                posted.add_metric([*labels, limits.currency], spent.posted_nano / _NANO)
                held.add_metric([*labels, limits.currency], spent.held_nano / _NANO)
        yield from (limit, posted, held)
        yield CounterMetricFamily(
            "evenhand_budget_soft_exceeded",
            "Requests that exceeded a soft budget, and took the lowest lane.",
            value=self._status.soft_exceeded,
        )
