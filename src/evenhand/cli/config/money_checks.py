"""What must hold of prices and budgets beside the rest of the configuration."""

from collections.abc import Iterable, Iterator

from evenhand.cli.config.budgets import TenantBudget
from evenhand.cli.config.keys import Key
from evenhand.cli.config.prices import Prices, WorkPrice
from evenhand.cli.config.problem import Finding, Place
from evenhand.cli.config.schema import Config
from evenhand.cli.config.tenants import walk
from evenhand.cli.config.words import nearest


def check_prices(config: Config) -> Iterator[Finding]:
    """Each price makes sense, and every model that is served has one at any time."""
    prices = config.prices
    if prices is None:
        return
    since: dict[tuple[str, int | None], int] = {}
    for index, price in enumerate(prices.models):
        place: Place = ("prices", "models", index)
        yield from _check_price(place, price)
        if (price.model, price.valid_from) in since:
            name = "model" if price.valid_from is None else "valid_from"
            message = f"{price.model} has a price already from then on: keep one of the two"
            yield (*place, name), message
        since[price.model, price.valid_from] = index
    for model, index in {model: index for (model, _), index in reversed(since.items())}.items():
        if (model, None) not in since:
            message = f"before that, {model} has no price: leave valid_from out of its first one"
            yield ("prices", "models", index, "valid_from"), message
    if prices.unpriced is not None:
        yield from _check_price(("prices", "unpriced"), prices.unpriced)
        if not prices.unpriced.input or not prices.unpriced.output:
            message = "must cost something: name input and output above 0, or remove it"
            yield ("prices", "unpriced"), message
    for model in _served(config):
        if not prices.of(model):
            message = (
                f"{model} is served and has no price: add `- {{model: {model}, input: 0.15, output:"
                " 0.6}` (0 where it is free)"
            )
            yield ("prices", "models"), message


def check_key_budgets(config: Config) -> Iterator[Finding]:
    """Of the limits of keys: what a budget needs is there, and it can count what the key may use."""
    for index, key in enumerate(config.keys):
        place: Place = ("keys", index, "limits")
        if key.limits.is_budget and config.state is None:
            name = "spend_max" if key.limits.spend_max is not None else "tokens_max"
            message = "a budget must outlive a restart: add a `state` section with a folder"
            yield (*place, name), message
        if key.limits.spend_max is None:
            continue
        if config.prices is None:
            message = "nothing is priced: add a `prices` section, or use tokens_max"
            yield (*place, "spend_max"), message
            continue
        counted = config.prices.currency
        for why in _uncountable(config, config.prices, [key], counted, is_hard=True):
            yield (*place, "spend_max"), why


def check_budgets(config: Config) -> Iterator[Finding]:
    """Of the section `budgets`."""
    tenants = {path for _, path, _ in walk(config.tenants)}
    references = [str(key.key) for key in config.keys]
    taken: dict[tuple[str, str, str], int] = {}
    for index, budget in enumerate(config.budgets):
        place: Place = ("budgets", index)
        if config.state is None:
            yield place, "a budget must outlive a restart: add a `state` section with a folder"
        if (budget.tenant is None) is (budget.key is None):
            yield place, "is of a tenant or of a key: name one of the two, not both"
        if budget.spend_max is None and budget.tokens_max is None:
            yield place, "limits nothing: add spend_max, tokens_max, or both"
        if budget.tenant is not None and budget.tenant not in tenants:
            hint = nearest(budget.whose, ("/".join(path) for path in tenants))
            # A budget counts by path: under another one it would begin anew.
            removed = "whoever moves or removes a tenant changes its budgets first"
            yield (*place, "tenant"), f"there is no tenant {budget.whose}; {hint}; {removed}"
        if budget.key and not budget.key.startswith("key_") and budget.key not in references:
            message = "is none of the `keys`: write the reference as it stands there"
            yield (*place, "key"), message
        same = (budget.whose, budget.period, budget.mode)
        if same in taken:
            message = f"is the same kind of budget as budgets[{taken[same]}]: keep one of the two"
            yield place, message
        taken.setdefault(same, index)
        yield from _check_money(config, place, budget)


def _check_money(config: Config, place: Place, budget: TenantBudget) -> Iterator[Finding]:
    if budget.spend_max is None:
        if budget.currency is not None:
            yield (*place, "currency"), "says nothing without spend_max: add that, or remove it"
        return
    if config.prices is None:
        message = "nothing is priced: add a `prices` section, or use tokens_max"
        yield (*place, "spend_max"), message
        return
    counted = budget.currency or config.prices.currency
    keys = [key for key in config.keys if _is_over(budget, key)]
    is_hard = budget.mode == "hard"
    for why in _uncountable(config, config.prices, keys, counted, is_hard=is_hard):
        yield (*place, "spend_max"), why


def _is_over(budget: TenantBudget, key: Key) -> bool:
    if budget.tenant is None:
        return str(key.key) == budget.key
    return key.tenant[: len(budget.tenant)] == budget.tenant


def _uncountable(
    config: Config, prices: Prices, keys: Iterable[Key], counted: str, *, is_hard: bool
) -> Iterator[str]:
    """Why a budget in that currency cannot count what these keys may use: the first reason."""
    for key in keys:
        models = _served(config) if key.allows_all_models else dict.fromkeys(key.models)
        for model in models:
            for price in prices.of(model):
                currency = prices.currency_of(price)
                if currency != counted:
                    yield (
                        f"counts {counted}, and {key.key} may use {model}, which is priced in "
                        f"{currency}: take the model from its `models`, or use tokens_max"
                    )
                    return
                if is_hard and price.gpu_second:
                    yield (
                        f"{key.key} may use {model}, and what its gpu_second comes to is not known"
                        " before: take the model from its `models`, or write `mode: soft` in `budgets`"
                    )
                    return


def _check_price(place: Place, price: WorkPrice) -> Iterator[Finding]:
    if price.cached_input > price.input:
        message = "is more than input: a cached token costs at most as much as a computed one"
        yield (*place, "cached_input"), message


def _served(config: Config) -> dict[str, None]:
    return dict.fromkeys(model for engine in config.engines for model in engine.models)
