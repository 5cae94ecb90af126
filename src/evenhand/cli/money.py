"""Prices and budgets of a configuration, as the ledger takes them."""

from collections import defaultdict

from evenhand.cli.config import Config, WorkPrice
from evenhand.ledger import (
    NOTHING_PRICED,
    Budget,
    BudgetRule,
    Period,
    Price,
    PriceBook,
    PricedFrom,
)
from evenhand.model import KeyId, ModelName


def price_book(config: Config) -> PriceBook:
    """What each model costs at any time."""
    prices = config.prices
    if prices is None:
        return NOTHING_PRICED
    models: dict[ModelName, list[PricedFrom]] = defaultdict(list)
    for entry in prices.models:
        priced = PricedFrom(entry.valid_from or 0, _price(entry, prices.currency))
        models[ModelName(entry.model)].append(priced)
    unpriced = prices.unpriced
    default = None if unpriced is None else _price(unpriced, prices.currency)
    return PriceBook(models, unpriced=default)


def budget_rules(config: Config) -> tuple[BudgetRule, ...]:
    """The section `budgets`."""
    usual = "" if config.prices is None else config.prices.currency
    return tuple(
        BudgetRule(
            tenant=budget.tenant or (),
            key=None if budget.key is None else KeyId(budget.key),
            period=Period(budget.period),
            limits=Budget(
                nano_max=budget.spend_max,
                tokens_max=budget.tokens_max,
                currency=budget.currency or usual,
            ),
            is_hard=budget.mode == "hard",
        )
        for budget in config.budgets
    )


def _price(price: WorkPrice, currency: str) -> Price:
    return Price(
        currency=price.currency or currency,
        input=price.input,
        cached_input=price.cached_input,
        output=price.output,
        reasoning=price.reasoning,
        request=price.request,
        gpu_second=price.gpu_second,
    )
