"""What a client is told whose key has spent its budget."""

from evenhand.ledger import OverBudget
from evenhand.ledger.money import decimal_text


def budget_message(over: OverBudget, currency: str) -> str:
    """Which limit, how far it is used up, and what to do."""

    def amount(value: int) -> str:
        return f"{decimal_text(value)} {currency}" if over.is_money else f"{value} tokens"

    used = f"{amount(over.posted)} are spent and {amount(over.held)} held by open requests"
    advice = (
        "Wait for those to end, or ask for fewer output tokens"
        if over.may_fit_later
        else "Ask for fewer output tokens, or ask the operator to raise the limit"
    )
    return (
        f"This request may use up to {amount(over.asked)}, and this key may use {amount(over.limit)}"
        f" in all, of which {used}. {advice}."
    )
