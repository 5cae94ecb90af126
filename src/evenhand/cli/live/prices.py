"""Prices while requests are under way, each of which keeps the price of its admission."""

from typing import Final

from evenhand.cli.config import Config
from evenhand.cli.config.problem import Finding
from evenhand.cli.live.participant import Apply
from evenhand.cli.money import price_book
from evenhand.gateway.bookkeeping import Bookkeeper, NoBookkeeping

_CURRENCY: Final = (
    "is what `spend_max` of every key is counted in: give the prices a currency of their own, or start"
    " the gateway anew with it"
)


class Prices:
    """See `Participant`."""

    sections = frozenset({"prices"})

    def __init__(self, bookkeeping: Bookkeeper | NoBookkeeping) -> None:
        self._bookkeeping = bookkeeping

    def plan(self, old: Config, new: Config) -> Apply | list[Finding]:
        keeper, before, after = self._bookkeeping, old.prices, new.prices
        if before == after or isinstance(keeper, NoBookkeeping):
            return lambda: None
        if before is not None and after is not None and before.currency != after.currency:
            return [(("prices", "currency"), _CURRENCY)]
        book = price_book(new)
        return lambda: keeper.price_by(book)
