"""Money is exact: integers, one rounding, never above the hold."""

from decimal import ROUND_FLOOR, Decimal

from hypothesis import given
from hypothesis import strategies as st

from evenhand.ledger import Price
from evenhand.ledger.money import decimal_text
from evenhand.model import Usage

prices = st.builds(
    lambda currency, high, low, output: Price(
        currency=currency, input=max(high, low), cached_input=min(high, low), output=output
    ),
    st.just("EUR"),
    st.integers(0, 10**12),
    st.integers(0, 10**12),
    st.integers(0, 10**12),
)
counts = st.integers(0, 10**8)


@given(prices, counts, counts, counts)
def test_a_price_is_the_decimal_one_rounded_down_once(
    price: Price, input_tokens: int, cached: int, output_tokens: int
) -> None:
    cached = min(cached, input_tokens)
    nano = price.of(Usage(input_tokens, output_tokens, cached))
    exact = (
        Decimal(price.input) * (input_tokens - cached)
        + Decimal(price.cached_input) * cached
        + Decimal(price.output) * output_tokens
    ) / 10**6
    assert nano == int(exact.to_integral_value(ROUND_FLOOR))


@given(prices, counts, counts, counts, counts, counts)
def test_what_is_held_bounds_whatever_stays_within(
    price: Price, input_max: int, output_max: int, input_tokens: int, cached: int, output: int
) -> None:
    input_tokens, output = min(input_tokens, input_max), min(output, output_max)
    usage = Usage(input_tokens, output, min(cached, input_tokens))
    assert price.of(usage) <= price.bound(input_max, output_max)


def test_a_hold_is_rounded_up_and_a_settlement_down() -> None:
    price = Price(currency="EUR", input=1, cached_input=0, output=1)
    assert price.bound(1, 0) == 1
    assert price.of(Usage(1, 0)) == 0
    assert price.bound(1_000_000, 0) == price.of(Usage(1_000_000, 0)) == 1


def test_money_is_written_without_rounding() -> None:
    assert decimal_text(0) == "0"
    assert decimal_text(1) == "0.000000001"
    assert decimal_text(1_500_000_000) == "1.5"
    assert decimal_text(-2_000_000_000) == "-2"
    assert decimal_text(12_000_000_010) == "12.00000001"
