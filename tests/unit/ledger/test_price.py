"""Money is exact: integers, one rounding, never above the hold."""

from decimal import ROUND_FLOOR, Decimal

from hypothesis import given
from hypothesis import strategies as st

from evenhand.ledger import Price
from evenhand.ledger.money import decimal_text
from evenhand.model import Usage

amounts = st.integers(0, 10**12)
prices = st.builds(
    lambda high, low, output, reasoning, request: Price(
        currency="EUR",
        input=max(high, low),
        cached_input=min(high, low),
        output=output,
        reasoning=reasoning,
        request=request,
    ),
    amounts,
    amounts,
    amounts,
    st.none() | amounts,
    st.just(0) | amounts,
)
counts = st.integers(0, 10**8)
usages = st.builds(
    lambda input_tokens, cached, output_tokens, reasoned: Usage(
        input_tokens,
        output_tokens,
        min(cached, input_tokens),
        reasoning_tokens=min(reasoned, output_tokens),
    ),
    *[counts] * 4,
)


@given(prices, usages)
def test_a_price_is_the_decimal_one_rounded_down_once(price: Price, usage: Usage) -> None:
    cached, reasoned = usage.cached_input_tokens, usage.reasoning_tokens
    reasoning = price.output if price.reasoning is None else price.reasoning
    exact = (
        Decimal(price.input) * (usage.input_tokens - cached)
        + Decimal(price.cached_input) * cached
        + Decimal(price.output) * (usage.output_tokens - reasoned)
        + Decimal(reasoning) * reasoned
    ) / 10**6 + price.request
    assert price.of(usage) == int(exact.to_integral_value(ROUND_FLOOR))


@given(prices, usages, counts, counts)
def test_what_is_held_bounds_whatever_stays_within(
    price: Price, most: Usage, input_tokens: int, output: int
) -> None:
    input_tokens, output = min(input_tokens, most.input_tokens), min(output, most.output_tokens)
    usage = Usage(
        input_tokens,
        output,
        min(most.cached_input_tokens, input_tokens),
        reasoning_tokens=min(most.reasoning_tokens, output),
    )
    assert price.of(usage) <= price.bound(most.input_tokens, most.output_tokens)


def test_a_second_of_a_gpu_is_a_million_microseconds() -> None:
    price = Price(currency="EUR", input=0, cached_input=0, output=0, gpu_second=7)
    assert [price.of_gpu(us) for us in (999_999, 1_000_000, 1_500_000)] == [6, 7, 10]


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
