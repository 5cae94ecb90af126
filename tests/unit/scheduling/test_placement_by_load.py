"""Placements that look at the engines only."""

import random
from collections import Counter

from evenhand.scheduling.placement.least_filled import LeastFilled
from evenhand.scheduling.placement.least_outstanding import LeastOutstanding
from evenhand.scheduling.placement.round_robin import RoundRobin
from support.placing import Placing, engines


def test_round_robin_gives_each_engine_as_many_whatever_they_cost() -> None:
    placing, abc = Placing(RoundRobin()), engines("abc")
    order = "".join(placing.start(placing.ticket(tokens=10**i), abc) for i in range(9))
    assert order == "abcabcabc"


def test_round_robin_gives_who_joins_a_turn_and_not_all_it_missed() -> None:
    placing = Placing(RoundRobin())
    before = [placing.start(placing.ticket(), engines("ab")) for _ in range(100)]
    after = "".join(placing.start(placing.ticket(), engines("abc")) for _ in range(6))
    assert Counter(before) == {"a": 50, "b": 50}
    assert after == "cabcab"


def test_round_robin_goes_on_where_it_was_when_an_engine_leaves() -> None:
    placing = Placing(RoundRobin())
    assert [placing.start(placing.ticket(), engines("abc")) for _ in range(2)] == ["a", "b"]
    assert "".join(placing.start(placing.ticket(), engines("bc")) for _ in range(4)) == "cbcb"


def test_round_robin_is_even_within_one_whoever_has_a_slot() -> None:
    """Over any stretch in which two engines are both candidates each time."""
    dice, placing = random.Random(1), Placing(RoundRobin())
    turns: Counter[str] = Counter()
    for _ in range(1_000):
        names = "ab" + "".join(dice.sample("cdef", dice.randint(0, 4)))
        turns[placing.start(placing.ticket(), engines("".join(sorted(names))))] += 1
        assert abs(turns["a"] - turns["b"]) <= 1


def test_least_outstanding_counts_tokens_and_not_requests() -> None:
    placing, ab = Placing(LeastOutstanding(None)), engines("ab")
    assert placing.start(placing.ticket(tokens=1_000), ab) == "a"
    assert [placing.start(placing.ticket(tokens=100, output=300), ab) for _ in range(3)] == [*"bbb"]
    assert placing.start(placing.ticket(), ab) == "a"


def test_least_outstanding_forgets_who_has_ended() -> None:
    placing, ab = Placing(LeastOutstanding(None)), engines("ab")
    long, short = placing.ticket(tokens=1_000), placing.ticket(tokens=10)
    assert placing.start(long, ab) + placing.start(short, ab) == "ab"
    placing.end(long)
    assert placing.start(placing.ticket(), ab) == "a"


def test_what_waits_near_an_engine_counts_until_it_leaves() -> None:
    for placement in (LeastOutstanding(None), LeastFilled()):
        placing, ab = Placing(placement), engines("ab")
        first = placing.ticket()
        assert placing.wait(first, ab) == "a"
        assert placing.wait(placing.ticket(), ab) == "b"
        placing.placement.unqueued(first)
        assert placing.choose(placing.ticket(), ab) == "a"
