"""Which price holds when: the latest that has begun, else the default, else none."""

from hypothesis import given
from hypothesis import strategies as st

from evenhand.ledger import FREE, NOTHING_PRICED, Price, PriceBook, PricedFrom
from evenhand.ledger.price_book import NEVER_MS
from evenhand.model import ModelName

M, N = ModelName("m"), ModelName("n")


def price(nano: int) -> Price:
    return Price(currency="EUR", input=nano, cached_input=0, output=nano)


@given(
    st.lists(st.integers(0, 100), unique=True),
    st.lists(st.integers(0, 100), unique=True),
    st.integers(0, 110),
)
def test_it_is_the_latest_that_has_begun(first: list[int], second: list[int], at_ms: int) -> None:
    book = PriceBook(
        {M: [PricedFrom(ms, price(ms)) for ms in first], N: [PricedFrom(ms, FREE) for ms in second]}
    )
    begun = [ms for ms in first if ms <= at_ms]
    assert book.price(M, at_ms) == (price(max(begun)) if begun else None)
    until_ms = book.holds_until_ms(at_ms)
    assert until_ms == min([ms for ms in first + second if ms > at_ms], default=NEVER_MS)


def test_what_has_no_price_has_the_default_or_none() -> None:
    book = PriceBook({M: [PricedFrom(50, price(1))]}, unpriced=price(9))
    assert book.price(M, 49) == book.price(N, 0) == price(9)
    assert PriceBook({}).price(M, 0) is None
    assert NOTHING_PRICED.price(M, 0) == FREE
