import heapq
from collections.abc import Callable
from typing import Any, cast

from evenhand.engines.http.silence_watch import SilenceWatch


class Timer:
    def __init__(self, at: float, call: Callable[[], None]) -> None:
        self.at = at
        self.call = call
        self.cancelled = False

    def __lt__(self, other: "Timer") -> bool:
        return self.at < other.at

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """As much of an event loop as a timer needs, with time by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []
        self.armed = 0

    def time(self) -> float:
        return self.now

    def call_at(self, at: float, call: Callable[[], None]) -> Timer:
        self.armed += 1
        timer = Timer(at, call)
        heapq.heappush(self.timers, timer)
        return timer

    def run_to(self, when: float) -> None:
        while self.timers and self.timers[0].at <= when:
            timer = heapq.heappop(self.timers)
            self.now = timer.at
            if not timer.cancelled:
                timer.call()
        self.now = when


def watched(limit_s: float) -> tuple[Clock, SilenceWatch, list[float]]:
    clock = Clock()
    silences: list[float] = []
    watch = SilenceWatch(cast("Any", clock), lambda: silences.append(clock.now))
    watch.begin(limit_s, clock.now)
    return clock, watch, silences


def test_silence_is_noticed_at_the_limit_and_once() -> None:
    clock, _, silences = watched(10)
    clock.run_to(100)
    assert silences == [10]


def test_hearing_something_begins_the_silence_anew_without_a_timer_each() -> None:
    clock, watch, silences = watched(10)
    for second in range(1, 1001):
        clock.run_to(second / 10)
        watch.heard_at = clock.now
    assert clock.armed < 15
    clock.run_to(1000)
    assert silences == [110]


def test_a_shorter_limit_holds_at_once() -> None:
    clock, watch, silences = watched(100)
    clock.run_to(5)
    watch.limit(10)
    clock.run_to(1000)
    assert silences == [15]


def test_a_longer_limit_is_waited_for() -> None:
    clock, watch, silences = watched(10)
    clock.run_to(5)
    watch.limit(100)
    clock.run_to(1000)
    assert silences == [105]


def test_no_silence_is_counted_while_stopped_and_it_begins_anew_after() -> None:
    clock, watch, silences = watched(10)
    clock.run_to(9)
    watch.stop()
    clock.run_to(500)
    watch.limit(5)
    clock.run_to(600)
    assert silences == []
    watch.start()
    clock.run_to(1000)
    assert silences == [605]
    assert not [timer for timer in clock.timers if not timer.cancelled]


def test_one_timer_serves_answer_after_answer() -> None:
    clock, watch, silences = watched(120)
    for second in range(1, 1001):
        watch.limit(10)
        clock.run_to(second / 2)
        watch.stop()
        watch.begin(120, clock.now)
    assert clock.armed < 110
    clock.run_to(10_000)
    assert silences == [620]


def test_after_the_close_nothing_is_left() -> None:
    clock, watch, silences = watched(10)
    watch.close()
    clock.run_to(1000)
    assert silences == []
    assert all(timer.cancelled for timer in clock.timers)
