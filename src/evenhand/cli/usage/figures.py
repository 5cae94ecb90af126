"""One line's figures by name, exact: what CSV and JSON have in common."""

from evenhand.ledger.money import decimal_text
from evenhand.model import Outcome
from evenhand.stores.usage_line import UsageLine


def counts(line: UsageLine) -> dict[str, int]:
    """Whole numbers."""
    return {
        "requests": line.requests,
        "charged": line.charged,
        "input_tokens": line.input_tokens,
        "cached_input_tokens": line.cached_input_tokens,
        "output_tokens": line.output_tokens,
        "reasoning_tokens": line.reasoning_tokens,
        "gpu_us": line.gpu_us,
        "units": line.units,
        "estimated_tokens": line.estimated_tokens,
        "corrections": line.corrections,
        "open_requests": line.open_requests,
        "held_tokens": line.held_tokens,
    }


def parts(line: UsageLine, total: UsageLine) -> dict[str, float | None]:
    """Of all service units in the statement, and of the line's own tokens; None of nothing."""
    return {
        "share": part(line.units, total.units),
        "estimated": part(line.estimated_tokens, line.tokens),
    }


def outcomes(line: UsageLine) -> dict[str, int]:
    """Every outcome there is, so that the columns of two statements are the same."""
    return {outcome.value: line.outcomes[outcome.value] for outcome in Outcome}


def money(line: UsageLine, currencies: list[str]) -> dict[str, str]:
    """Exact decimal text by currency."""
    return {currency: decimal_text(line.nano[currency]) for currency in currencies}


def corrected_money(line: UsageLine, currencies: list[str]) -> dict[str, str]:
    """What of it are corrections."""
    return {currency: decimal_text(line.corrected_nano[currency]) for currency in currencies}


def held_money(line: UsageLine, currencies: list[str]) -> dict[str, str]:
    """The same of what open requests hold."""
    return {currency: decimal_text(line.held_nano[currency]) for currency in currencies}


def part(some: int, all_: int) -> float | None:
    """To six decimals."""
    return round(some / all_, 6) if all_ else None


def ratio(some: int, all_: int) -> str | None:
    """The same as decimal text, from integers alone."""
    if not all_:
        return None
    millionths = (some * 2_000_000 + all_) // (2 * all_)
    return f"{millionths // 1_000_000}.{millionths % 1_000_000:06d}"


def seconds_text(us: int) -> str:
    """Microseconds as exact decimal text of seconds."""
    return decimal_text(us * 1000)
