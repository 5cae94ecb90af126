"""What a client is told whose request costs more than is left, or whose price nobody can tell."""

from datetime import UTC, datetime

from evenhand.ledger import OtherCurrency, OverBudget, Period
from evenhand.ledger.money import decimal_text
from evenhand.model import ModelName, TenantPath

_HOW_OFTEN = {
    Period.DAY: "a day",
    Period.WEEK: "a week",
    Period.MONTH: "a month",
    Period.TOTAL: "in all",
}


def budget_message(over: OverBudget, currency: str, asking: TenantPath) -> str:
    """Which limit, how far it is used up, when it begins anew, and what to do. Of a tenant above the one
    that asks no figures are told: its other children's use is among them."""

    def amount(value: int) -> str:
        return f"{decimal_text(value)} {currency}" if over.is_money else f"{value} tokens"

    whose = f"the tenant {'/'.join(over.tenant)}" if over.tenant else "this key"
    if len(over.tenant) < len(asking) and over.tenant:
        return (
            f"This request may use up to {amount(over.asked)}, and the budget of {whose} has no room."
            f"{_resets(over)} {_advice(over)}."
        )
    used = f"{amount(over.posted)} are spent and {amount(over.held)} held by open requests"
    return (
        f"This request may use up to {amount(over.asked)}, and {whose} may use {amount(over.limit)}"
        f" {_HOW_OFTEN[over.period]}, of which {used}.{_resets(over)} {_advice(over)}."
    )


def unpriced_message(model: ModelName) -> str:
    """For a model without a price: nothing is served for nothing by oversight."""
    return (
        f"The model {model} has no price, so it is not served. Tell the operator of this gateway, who"
        " can add one to its `prices`; another model may do meanwhile."
    )


def currency_message(model: ModelName, other: OtherCurrency) -> str:
    """For a price that a budget cannot count."""
    return (
        f"The model {model} is priced in {other.priced or 'nothing'}, and a budget over this key counts "
        f"{other.counted}. Use a model that is priced in {other.counted}, or tell the operator of this "
        "gateway."
    )


def _resets(over: OverBudget) -> str:
    if over.resets_ms is None:
        return ""
    when = datetime.fromtimestamp(over.resets_ms / 1000, UTC)
    return f" It begins anew at {when:%Y-%m-%d %H:%M} UTC."


def _advice(over: OverBudget) -> str:
    if over.may_fit_later:
        return "Wait for those to end, or ask for fewer output tokens"
    if over.fits_anew:
        return (
            "Wait until then, ask for fewer output tokens, or ask the operator to raise the limit"
        )
    return "Ask for fewer output tokens, or ask the operator to raise the limit"
