"""Which price a model has at a moment."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from evenhand.ledger.price import FREE, Price
from evenhand.model import ModelName

NEVER_MS = 1 << 62


class PricedFrom(NamedTuple):
    """A price that holds from that moment of the wall clock on, until the next one of the model."""

    from_ms: int
    price: Price


class PriceBook:
    """Never changed once made; prices change with the time that is asked about. `unpriced` is the price
    of models that have none; None: they are refused."""

    def __init__(
        self,
        models: Mapping[ModelName, Iterable[PricedFrom]],
        *,
        unpriced: Price | None = None,
    ) -> None:
        self._models = {model: sorted(priced) for model, priced in models.items()}
        self._unpriced = unpriced
        self._changes_ms = sorted(
            {entry.from_ms for priced in self._models.values() for entry in priced}
        )

    @classmethod
    def fixed(cls, prices: Mapping[ModelName, Price]) -> "PriceBook":
        """One price for each model, for ever."""
        return cls({model: [PricedFrom(0, price)] for model, price in prices.items()})

    def price(self, model: ModelName, at_ms: int) -> Price | None:
        """What the model costs at that moment; None: it has no price, and is not served."""
        priced = self._models.get(model, ())
        index = bisect_right(priced, at_ms, key=lambda entry: entry.from_ms)
        return priced[index - 1].price if index else self._unpriced

    def holds_until_ms(self, at_ms: int) -> int:
        """No price changes from that moment on, before this one."""
        index = bisect_right(self._changes_ms, at_ms)
        return self._changes_ms[index] if index < len(self._changes_ms) else NEVER_MS


NOTHING_PRICED = PriceBook({}, unpriced=FREE)
"""Where no prices are configured: tokens are booked, money is not."""
