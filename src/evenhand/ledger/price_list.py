"""Prices that holds refer to by number, so that a price once pinned stays readable for ever."""

from collections.abc import Iterable
from dataclasses import replace

from evenhand.ledger.batch import PriceRow
from evenhand.ledger.price import Price
from evenhand.model import ModelName


class PriceList:
    """Bounded by the models times the prices that they ever had."""

    def __init__(self, rows: Iterable[PriceRow]) -> None:
        self._numbers: dict[tuple[ModelName, Price], int] = {}
        self._prices: dict[int, Price] = {}
        self._new: list[PriceRow] = []
        for row in rows:
            price = Price(
                currency=row.currency,
                input=row.input,
                cached_input=row.cached_input,
                output=row.output,
                reasoning=row.reasoning,
                request=row.request,
                gpu_second=row.gpu_second,
            )
            self._numbers[ModelName(row.model), price] = row.number
            self._prices[row.number] = price

    def number(self, model: ModelName, price: Price) -> int:
        """The number of that price; a new one gets its own."""
        # As its row has it, which names the price of reasoning always.
        price = replace(price, reasoning=price.of_reasoning)
        number = self._numbers.get((model, price))
        if number is None:
            number = self._numbers[model, price] = len(self._prices) + 1
            self._prices[number] = price
            self._new.append(
                PriceRow(
                    number=number,
                    model=model,
                    currency=price.currency,
                    input=price.input,
                    cached_input=price.cached_input,
                    output=price.output,
                    reasoning=price.of_reasoning,
                    request=price.request,
                    gpu_second=price.gpu_second,
                )
            )
        return number

    def numbered(self, number: int) -> Price:
        """The price of that number."""
        return self._prices[number]

    def take_new(self) -> tuple[PriceRow, ...]:
        """Prices that got their numbers since the last call."""
        new, self._new = tuple(self._new), []
        return new
