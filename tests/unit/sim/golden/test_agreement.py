"""Figures of agreement, on examples that can be checked by hand."""

import random

import pytest

from evenhand.sim.golden.agreement import errors, order_agreement


def test_equal_orders_agree() -> None:
    assert tuple(order_agreement([1, 2, 3], [10, 20, 30])) == pytest.approx((1, 0))


def test_a_reversed_order_disagrees_in_every_pair() -> None:
    assert tuple(order_agreement([1, 2, 3], [3, 2, 1])) == pytest.approx((-1, 1))


def test_who_comes_at_the_same_moment_is_in_no_order() -> None:
    assert order_agreement([1, 1, 2], [5, 4, 6]).inversions == 0
    assert order_agreement([1, 2, 3], [5, 5, 6]).inversions == 0
    assert order_agreement([1, 1], [2, 2]) == (1.0, 0.0)
    assert order_agreement([1], [2]) == (1.0, 0.0)


def test_inversions_are_counted_as_by_looking_at_every_pair() -> None:
    draw = random.Random(3)
    measured = [draw.randrange(30) for _ in range(60)]
    simulated = [draw.randrange(30) for _ in range(60)]
    pairs = [(i, j) for i in range(60) for j in range(i)]
    inverted = sum(
        (measured[i] - measured[j]) * (simulated[i] - simulated[j]) < 0 for i, j in pairs
    )
    assert order_agreement(measured, simulated).inversions == pytest.approx(inverted / len(pairs))


def test_errors_have_a_size_and_a_sign() -> None:
    found = errors([100, 100, 100, 0], [110, 95, 80, 7])
    assert tuple(found) == pytest.approx((0.1, 0.18, -0.05))
    assert errors([], []) == (0, 0, 0)
