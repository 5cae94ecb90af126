"""A decayed histogram: exact where it can be, near elsewhere, and it forgets."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.scheduling.histogram import BUCKETS, DecayedHistogram, bucket_of, lowest_of


@given(amount=st.integers(0, 10**9))
def test_an_amount_lies_in_its_bucket(amount: int) -> None:
    bucket = bucket_of(amount)
    assert lowest_of(bucket) <= amount
    assert bucket == BUCKETS - 1 or amount < lowest_of(bucket + 1)


@given(
    amounts=st.lists(st.integers(0, 3 << 20), min_size=1, max_size=60), percent=st.integers(1, 100)
)
def test_a_quantile_is_off_by_less_than_half(amounts: list[int], percent: int) -> None:
    histogram = DecayedHistogram(memory=100)
    for amount in amounts:
        histogram.add(amount)
    true = sorted(amounts)[-(-len(amounts) * percent // 100) - 1]
    assert bucket_of(histogram.quantile(percent)) == bucket_of(true)
    assert abs(histogram.quantile(percent) - true) <= true // 2
    assert histogram.amounts == len(amounts)


def test_quantiles_of_many_amounts_are_near() -> None:
    dice = random.Random(3)
    histogram = DecayedHistogram(memory=10_000)
    for _ in range(10_000):
        histogram.add(dice.randrange(1_000))
    for percent in (10, 50, 90):
        assert histogram.quantile(percent) == pytest.approx(10 * percent, rel=0.1)


def test_what_was_long_ago_fades() -> None:
    histogram = DecayedHistogram(memory=16)
    for _ in range(1_000):
        histogram.add(5_000)
    for _ in range(40):
        histogram.add(3)
    assert histogram.quantile(50) == 3
    assert histogram.amounts <= 32
