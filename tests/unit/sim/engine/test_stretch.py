"""The timetable of a stretch of steps."""

import random

import pytest

from evenhand.sim.engine.vllm.stretch import Stretch


def test_each_step_takes_a_constant_longer_than_the_one_before() -> None:
    stretch = Stretch(10, 100.0, 5.0, 0.5)
    assert [stretch.end_ms(done) for done in (10, 11, 12, 13)] == [100.0, 105.0, 110.5, 116.5]


def test_a_step_is_done_when_it_ends_and_not_before() -> None:
    stretch = Stretch(10, 100.0, 5.0, 0.5)
    moments = (99.9, 100.0, 104.9, 105.0, 110.5, 116.4)
    assert [stretch.done_at(now_ms) for now_ms in moments] == [9, 10, 10, 11, 12, 12]


@pytest.mark.parametrize("grows_ms", [0.0, 1e-12, 1e-6, 0.1, 9.0])
def test_moments_and_steps_agree_however_long_it_lasts(grows_ms: float) -> None:
    rng = random.Random(7)
    stretch = Stretch(3, rng.uniform(0, 1e8), 7.5, grows_ms)
    for done in [*range(3, 40), *(rng.randint(3, 10**6) for _ in range(200))]:
        end_ms = stretch.end_ms(done)
        assert stretch.done_at(end_ms) == done
        assert stretch.done_at(end_ms - 0.01) == done - 1
        assert stretch.done_at(end_ms + 0.01) == done
