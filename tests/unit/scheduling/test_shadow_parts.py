"""The small parts of the shadow, each by itself."""

import random

from hypothesis import given
from hypothesis import strategies as st

from evenhand.scheduling.shadow import RECENT_MS, Book, Waits
from evenhand.scheduling.shadow.contention import Contention
from evenhand.scheduling.shadow.world import World

A, B = ("a",), ("b",)


@given(st.lists(st.integers(0, 90_000_000), min_size=1, max_size=60), st.integers(1, 100))
def test_waits_are_exact_in_sum_and_near_in_quantiles(waits_ms: list[int], percent: int) -> None:
    waits = Waits()
    for ms in waits_ms:
        waits.add(ms)
    assert waits.count == len(waits_ms)
    assert waits.total_ms == sum(waits_ms)
    exact = sorted(waits_ms)[-(-len(waits_ms) * percent // 100) - 1]
    told = waits.quantile_ms(percent)
    assert told is not None
    assert abs(told - exact) <= exact / 32


def test_no_waits_tell_nothing_and_short_ones_are_exact() -> None:
    waits = Waits()
    assert waits.mean_ms() is None
    assert waits.quantile_ms(50) is None
    for ms in range(32):
        waits.add(ms)
    assert [waits.quantile_ms(percent) for percent in (1, 50, 100)] == [0, 15, 31]
    assert waits.mean_ms() == 16


@given(st.lists(st.integers(0, 10_000), max_size=30), st.lists(st.integers(0, 10_000), max_size=30))
def test_waits_of_two_together_are_those_of_both(some: list[int], more: list[int]) -> None:
    apart, other, together = Waits(), Waits(), Waits()
    for ms in some:
        apart.add(ms)
        together.add(ms)
    for ms in more:
        other.add(ms)
        together.add(ms)
    apart.include(other)
    assert apart.quantile_ms(95) == together.quantile_ms(95)
    assert (apart.count, apart.total_ms) == (together.count, together.total_ms)


def test_waits_of_a_day_fit_few_buckets() -> None:
    dice, waits = random.Random(1), Waits()
    for _ in range(50_000):
        waits.add(dice.randrange(86_400_000) >> dice.randrange(27))
    assert len(waits._buckets) < 450


def test_contention_takes_two_tenants_and_somebody_who_waits() -> None:
    contention = Contention()
    contention.opened(A, 0)
    contention.waits(10, -1)  # a runs alone
    contention.opened(A, 20)  # a waits behind itself
    assert contention.elapsed_ms(100) == 0
    contention.opened(B, 100)
    assert contention.elapsed_ms(130) == 30
    contention.waits(150, -1)
    contention.waits(160, -1)  # nobody waits
    assert contention.elapsed_ms(500) == 60
    contention.waits(500, 1)
    contention.closed(B, 510)  # a alone is left
    assert contention.elapsed_ms(900) == 70
    assert contention._open == {A: 2}


def test_service_counts_as_contended_as_far_as_it_ran_in_contention() -> None:
    world = World()
    first = world.arrived(A, A, 0)
    world.started(first, 0)
    second = world.arrived(B, B, 30)
    world.ended(first, 1_000, 40)  # 10 of 40 ms
    world.started(second, 40)
    world.ended(second, 500, 90)
    rows = world.book.in_all()
    assert rows[A].contended_units == 250
    assert rows[B].contended_units == 0
    assert (rows[A].waits.total_ms, rows[B].waits.total_ms) == (0, 10)


def test_a_second_try_adds_up_and_leaving_is_a_wait_too() -> None:
    world = World()
    twice = world.arrived(A, A, 0)
    world.started(twice, 5)
    world.returned(twice, 15)
    world.started(twice, 22)
    world.ended(twice, 10, 30)
    assert (twice.waited_ms, twice.served_ms) == (12, 18)
    gone = world.arrived(B, B, 40)
    world.left(gone, 47)
    tally = world.book.in_all()[B]
    assert (tally.waits.total_ms, tally.waits.count, tally.unserved) == (7, 1, 1)
    assert world.book.in_all()[A].unserved == 0


def test_what_is_recent_goes_by_and_what_is_in_all_stays() -> None:
    book = Book()
    for minute in range(20):
        book.ended(A, minute, minute * 60_000, contended_units=1, is_served=True)
    now_ms = 19 * 60_000
    recent = book.recent(now_ms)[A]
    assert recent.waits.count == RECENT_MS // 60_000
    assert recent.waits.total_ms == 15 + 16 + 17 + 18 + 19
    assert book.recent(now_ms + RECENT_MS) == {}
    assert book.in_all()[A].waits.count == book.in_all()[A].contended_units == 20
    assert len(book._slices) <= 10
