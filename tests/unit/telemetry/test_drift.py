"""A shift is found within so many requests; no shift is found where there is none."""

import random
from collections.abc import Callable

import pytest

from evenhand.telemetry.monitor.drift import LEARNT_FROM, Drift
from evenhand.telemetry.monitor.lengths import Lengths

FOUND_WITHIN = 39
"""Where all numbers are on one side: 192 / (8 - 3), rounded up."""

SHAPES: dict[str, Callable[[random.Random], int]] = {
    "constant": lambda dice: 100,
    "two values": lambda dice: dice.choice((10, 11)),
    "even": lambda dice: dice.randrange(1, 1_000),
    "geometric": lambda dice: 1 + int(dice.expovariate(1 / 50)),
    "heavy tail": lambda dice: int(100 * dice.paretovariate(1.1)),
    "two kinds": lambda dice: dice.choice((20, 5_000)) + dice.randrange(10),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_steady_stream_is_seldom_called_a_shift(shape: str) -> None:
    """The stated rate: fewer than one false alarm in 100,000 requests."""
    draw, alarms, requests = SHAPES[shape], 0, 0
    for seed in range(40):
        dice, drift = random.Random(f"{shape} {seed}"), Drift()
        for _ in range(5_000):
            alarms += drift.add(draw(dice)) is not None
            requests += 1
    assert alarms * 100_000 <= requests


@pytest.mark.parametrize("factor", [0.1, 4])
@pytest.mark.parametrize("shape", ["constant", "geometric", "even"])
def test_a_great_shift_is_found_soon(shape: str, factor: float) -> None:
    draw = SHAPES[shape]
    for seed in range(20):
        dice, drift = random.Random(seed), Drift()
        for _ in range(LEARNT_FROM + 500):
            assert drift.add(draw(dice)) is None
        shift, number = None, 0
        while shift is None:
            number += 1
            shift = drift.add(int(draw(dice) * factor))
        assert (shift.after > shift.before) == (factor > 1)
        assert number <= (FOUND_WITHIN if shape == "constant" else 250)


def test_after_a_shift_the_new_is_learnt() -> None:
    drift = Drift()
    for _ in range(LEARNT_FROM):
        assert drift.add(10) is None
    shifts = [shift for _ in range(2_000) if (shift := drift.add(50)) is not None]
    assert [(shift.before, shift.after) for shift in shifts] == [(10, 50)]


def test_lengths_tell_quantiles_to_within_half_a_power_of_two() -> None:
    dice, lengths = random.Random(1), Lengths()
    numbers = [dice.randrange(1, 5_000) for _ in range(900)]
    for number in numbers:
        lengths.add(number)
    for percent in (50, 95, 99):
        true = sorted(numbers)[len(numbers) * percent // 100]
        assert true / 1.5 <= lengths.quantile(percent) <= true * 1.5
    assert lengths.mean == sum(numbers) // 900


def test_lengths_follow_what_is_new() -> None:
    lengths = Lengths()
    assert lengths.quantile(50) == 0
    for _ in range(5_000):
        lengths.add(10)
    for _ in range(3_000):
        lengths.add(1_000)
    assert lengths.quantile(50) == 1_023


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 15, 16, 1 << 40])
def test_a_length_lies_in_its_bucket(number: int) -> None:
    lengths = Lengths()
    lengths.add(number)
    told = lengths.quantile(50)
    assert number <= told or number == 1 << 40
    assert told <= max(1, number * 3 // 2)
