"""The oracle of fair shares is itself held to cases worked by hand and to what defines it."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.max_min import Amount, Sharer, max_min, tree_max_min

BY_HAND: list[tuple[dict[str, Amount], Amount, dict[str, Amount] | None, dict[str, Amount]]] = [
    # Room for all: everybody gets what he asks for.
    ({"a": 2, "b": 3}, 10, None, {"a": 2, "b": 3}),
    # Nobody can be satisfied: equal parts.
    ({"a": 9, "b": 9, "c": 9}, 9, None, {"a": 3, "b": 3, "c": 3}),
    # What the modest leave goes to the others: 2, then 8 of which 2.6 go, then 5.4 by halves.
    (
        {"a": 2, "b": Fraction(26, 10), "c": 4, "d": 5},
        10,
        None,
        {"a": 2, "b": Fraction(26, 10), "c": Fraction(27, 10), "d": Fraction(27, 10)},
    ),
    # By weight: the level is 10 / 3, and "b" has 2 of it.
    ({"a": 9, "b": 9}, 10, {"a": 1, "b": 2}, {"a": Fraction(10, 3), "b": Fraction(20, 3)}),
    # A great weight does not get more than it asks for.
    ({"a": 9, "b": 1}, 10, {"a": 1, "b": 8}, {"a": 9, "b": 1}),
    # "a" is satisfied by 4 of 16, the others share the rest 1 : 3.
    ({"a": 4, "b": 8, "c": 20}, 16, {"a": 4, "b": 1, "c": 3}, {"a": 4, "b": 3, "c": 9}),
    # Who asks for nothing changes nothing; no capacity, no shares.
    ({"a": 0, "b": 5}, 4, None, {"a": 0, "b": 4}),
    ({"a": 1, "b": 5}, 0, None, {"a": 0, "b": 0}),
    ({}, 4, None, {}),
]


@pytest.mark.parametrize(("demands", "capacity", "weights", "shares"), BY_HAND)
def test_shares_are_those_worked_by_hand(
    demands: dict[str, Amount],
    capacity: Amount,
    weights: dict[str, Amount] | None,
    shares: dict[str, Amount],
) -> None:
    assert max_min(demands, capacity, weights) == shares


def test_a_branch_divides_what_it_gets() -> None:
    """Two departments by halves; the first leaves 2 of its 6, the second has two users 1 : 3."""
    tree = (
        Sharer(
            name="a", children=(Sharer(name="x", demand=1), Sharer(name="y", weight=5, demand=3))
        ),
        Sharer(
            name="b", children=(Sharer(name="x", demand=9), Sharer(name="y", weight=3, demand=9))
        ),
    )
    assert tree_max_min(tree, 12) == {
        ("a", "x"): 1,
        ("a", "y"): 3,
        ("b", "x"): 2,
        ("b", "y"): 6,
    }


def test_a_crowd_beneath_a_branch_gets_no_more_than_the_branch() -> None:
    crowd = tuple(Sharer(name=f"u{n}", demand=100) for n in range(99))
    tree = (Sharer(name="many", children=crowd), Sharer(name="one", demand=100))
    shares = tree_max_min(tree, 100)
    assert shares["one",] == 50
    assert shares["many", "u7"] == Fraction(50, 99)


AMOUNTS = st.fractions(0, 50, max_denominator=12)
SHARERS = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.tuples(AMOUNTS, st.fractions(Fraction(1, 9), 9, max_denominator=9)),
    max_size=8,
)


@given(SHARERS, AMOUNTS)
def test_shares_meet_the_definition(
    sharers: dict[str, tuple[Fraction, Fraction]], capacity: Fraction
) -> None:
    demands = {name: demand for name, (demand, _) in sharers.items()}
    weights = {name: weight for name, (_, weight) in sharers.items()}
    shares = max_min(demands, capacity, weights)
    assert all(0 <= shares[name] <= demand for name, demand in demands.items())
    assert sum(shares.values()) == min(capacity, sum(demands.values()))
    # The bottleneck: whoever wants more has as much for his weight as anybody.
    for name, demand in demands.items():
        if shares[name] < demand:
            assert shares[name] / weights[name] == max(shares[n] / weights[n] for n in shares)


@given(SHARERS, AMOUNTS)
def test_a_tree_of_one_level_is_flat(
    sharers: dict[str, tuple[Fraction, Fraction]], capacity: Fraction
) -> None:
    demands = {name: demand for name, (demand, _) in sharers.items()}
    weights = {name: weight for name, (_, weight) in sharers.items()}
    tree = [Sharer(name=n, weight=w, demand=d) for n, (d, w) in sharers.items()]
    flat = max_min(demands, capacity, weights)
    assert tree_max_min(tree, capacity) == {(name,): share for name, share in flat.items()}
