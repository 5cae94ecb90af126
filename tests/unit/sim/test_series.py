"""A run is looked at often enough, in a bounded number of points."""

from itertools import pairwise
from typing import Any

from evenhand.sim.run_record import RunRecord
from evenhand.sim.series import POINTS_MAX, SeriesWatch


class Place:
    """Host and engine of a run that never was: what they say is the number of times they were asked."""

    def __init__(self) -> None:
        self.asked = 0

    def waiting(self) -> int:
        self.asked += 1
        return self.asked

    def running(self) -> list[int]:
        return [0, 0]

    def kv_tokens_used(self) -> int:
        return 7


def watched(moments_ms: range) -> tuple[SeriesWatch, Place]:
    place: Any = Place()
    watch = SeriesWatch(place, [place, place])
    record = RunRecord()
    for now_ms in moments_ms:
        watch(float(now_ms), record)
    return watch, place


def test_a_short_run_is_looked_at_every_ten_milliseconds() -> None:
    series = watched(range(100))[0].series
    assert series.at_s == [step / 100 for step in range(10)]
    assert series.running == [4] * 10
    assert series.kv_tokens == [14] * 10


def test_a_long_run_has_no_more_points_all_over_it() -> None:
    watch, place = watched(range(0, 10_000_000, 97))
    at_s = watch.series.at_s
    assert POINTS_MAX / 2 <= len(at_s) <= POINTS_MAX
    assert at_s[0] == 0
    assert at_s[-1] > 9_900
    gaps = [b - a for a, b in pairwise(at_s)]
    assert max(gaps) < 3 * min(gaps)
    assert place.asked < 20 * POINTS_MAX
    assert len(watch.series.waiting) == len(at_s)
