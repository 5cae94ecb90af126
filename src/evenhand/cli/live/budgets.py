"""Budgets while requests are under way: each new one counts what its period has already come to."""

from evenhand.cli.config import Config
from evenhand.cli.config.problem import Finding
from evenhand.cli.live.participant import Apply
from evenhand.cli.money import budget_rules
from evenhand.gateway.bookkeeping import Bookkeeper, NoBookkeeping


class Budgets:
    """See `Participant`."""

    sections = frozenset({"budgets"})

    def __init__(self, bookkeeping: Bookkeeper | NoBookkeeping) -> None:
        self._bookkeeping = bookkeeping

    def plan(self, old: Config, new: Config) -> Apply | list[Finding]:
        keeper, rules = self._bookkeeping, budget_rules(new)
        if isinstance(keeper, NoBookkeeping) or rules == budget_rules(old):
            return lambda: None
        return lambda: keeper.books.budget_by(rules, keeper.wall_ms())
