"""The window of an engine, rule by rule (window.md)."""

import pytest

from evenhand.model import EngineReport, RequestId
from evenhand.scheduling.window import WindowControl, WindowLimits, WindowReason

SECOND = 1_000_000


class World:
    """A controller, and an engine that tells twice a second; somebody always waits for it."""

    def __init__(self, **limits: int) -> None:
        self.control = WindowControl(WindowLimits(**limits))
        self.now_us = 0
        self.sent = 0

    @property
    def window(self) -> int:
        return self.control.window

    def tell(self, running: int, waiting: int = 0, *, times: int = 1, **more: int) -> list[int]:
        """Of what we have sent, `running` and `waiting`. The window after each report."""
        report = EngineReport(running=running, waiting=waiting, **more)
        in_flight = running + waiting
        told = []
        for _ in range(times):
            self.now_us += SECOND // 2
            told.append(
                self.control.heard(report, in_flight=in_flight, is_awaited=True, now_us=self.now_us)
            )
        return told

    def fill(self, times: int) -> list[int]:
        """As many reports of an engine that works on all that it is given."""
        return [self.tell(self.window)[0] for _ in range(times)]

    def look(self, seconds: int, in_flight: int | None = None) -> list[int]:
        looks = []
        for _ in range(4 * seconds):
            self.now_us += SECOND // 4
            looks.append(
                self.control.look(
                    in_flight=self.window if in_flight is None else in_flight,
                    is_awaited=True,
                    now_us=self.now_us,
                )
            )
        return looks

    def answer(self, delays_ms: list[int]) -> None:
        """As many requests, sent at once and answered after so long each."""
        names = [RequestId(str(self.sent + number)) for number in range(len(delays_ms))]
        self.sent += len(names)
        for name in names:
            self.control.started(name, 100, self.now_us)
        for name, delay_ms in zip(names, delays_ms, strict=True):
            self.control.first_token(name, self.now_us + delay_ms * 1_000)
            self.control.ended(name, None, self.now_us + delay_ms * 1_000)


def test_it_opens_by_leaps_while_nothing_has_ever_waited() -> None:
    assert World().fill(12) == [16, 32, 40, 50, 62, 77, 96, 120, 150, 187, 233, 291]
    assert World(maximum=100).fill(9)[-1] == 100


def test_a_queue_that_one_report_shows_is_a_burst() -> None:
    world = World()
    assert world.tell(4, 4, times=1) == [8]
    assert world.tell(8) == [16]


def test_a_queue_that_stands_closes_it_to_what_is_worked_on_and_one() -> None:
    world = World()
    world.fill(4)
    assert world.tell(20, 30, times=4) == [50, 21, 21, 21]
    assert world.control.reason is WindowReason.ENGINE_QUEUE


@pytest.mark.parametrize("waiting", [1, 2])
def test_one_or_two_that_stand_ready_are_right(waiting: int) -> None:
    world = World()
    world.tell(8, waiting, times=10)
    assert world.window == 8


def full_at(running: int) -> World:
    """A world in which it has been found out how much the engine runs."""
    world = World()
    world.fill(7)
    world.tell(running, 20, times=2)
    assert world.window == running + 1
    world.tell(running, 1)
    return world


def test_then_it_feels_its_way() -> None:
    assert full_at(20).fill(9) == [21, 21, 22, 23, 24, 25, 26, 28, 32]


def test_an_engine_that_has_become_ten_times_as_large_is_filled_in_ten_seconds() -> None:
    assert full_at(20).fill(20)[-1] >= 200


def test_it_does_not_open_for_nobody_nor_where_it_is_not_full() -> None:
    world = World()
    report = EngineReport(running=8, waiting=0)
    for in_flight, is_awaited in ((8, False), (7, True)):
        for _ in range(5):
            world.now_us += SECOND
            world.control.heard(
                report, in_flight=in_flight, is_awaited=is_awaited, now_us=world.now_us
            )
    assert world.window == 8


def test_what_is_not_accounted_for_is_no_room() -> None:
    world = World()
    for _ in range(5):
        world.now_us += SECOND
        report = EngineReport(running=4, waiting=0)
        world.control.heard(report, in_flight=8, is_awaited=True, now_us=world.now_us)
    assert world.window == 8


def test_slots_bound_it() -> None:
    assert World(slots=4).window == 5
    world = World(slots=4)
    report = EngineReport(running=4, waiting=0)
    for _ in range(20):
        world.now_us += SECOND
        world.control.heard(report, in_flight=world.window, is_awaited=True, now_us=world.now_us)
    assert world.window == 6
    world = World()
    assert world.tell(4, slots=4) == [5]
    assert World(slots=4, maximum=3).window == 3
    assert World(slots=4, minimum=9).window == 9


def test_nobody_stands_ready_where_slots_are_kept_free() -> None:
    assert World(slots=8, kept_free_percent=13).window == 8
    world = World(kept_free_percent=13)
    world.tell(6, times=2)
    assert world.window == 16  # two of eight are kept free, so six fill it


def test_slots_are_forgotten_when_more_runs_than_there_are() -> None:
    world = World()
    world.tell(2, slots=2)
    assert world.window == 3
    world.tell(3, slots=2)
    assert world.fill(20)[-1] > 10
    world.tell(8, slots=2)
    assert world.window > 10


def test_full_memory_closes_it_and_memory_that_is_nearly_full_holds_it() -> None:
    world = World()
    assert world.tell(8, kv_used_permille=955, times=3) == [8, 8, 8]
    assert world.tell(8, kv_used_permille=980, times=3) == [7, 7, 7]
    assert world.control.reason is WindowReason.MEMORY


def test_requests_thrown_out_close_it_by_a_sixteenth_every_two_seconds() -> None:
    world = full_at(64)
    world.tell(64, preemptions=3)
    assert world.tell(60, 4, preemptions=5) == [56]
    assert world.control.reason is WindowReason.PREEMPTION
    assert world.tell(55, preemptions=9) == [56]
    world.tell(55, preemptions=9, times=2)
    assert world.tell(55, preemptions=10) == [52]


def test_counters_that_go_back_throw_nobody_out() -> None:
    world = full_at(16)
    world.tell(16, 1, preemptions=900)
    assert world.tell(16, 1, preemptions=0) == [17]


def test_silence_closes_it_slowly_to_a_quarter() -> None:
    world = full_at(64)
    assert set(world.look(4)) == {65}
    assert world.look(2)[-1] > 48
    assert world.look(20)[-1] == 16
    assert world.control.reason is WindowReason.STALE
    assert world.control.may_take_more
    assert world.fill(2) == [65, 65]
    assert not world.control.waiting_inside


def test_told_silence_counts_at_once_and_known_slots_are_a_floor() -> None:
    world = World(slots=10)
    world.tell(10, 1)
    for _ in range(5):
        world.now_us += 2 * SECOND
        world.control.heard(None, in_flight=11, is_awaited=True, now_us=world.now_us)
    assert world.window == 10
    assert world.control.reason is WindowReason.STALE
    assert not world.control.may_take_more


def test_one_that_was_down_was_not_silent() -> None:
    world = full_at(64)
    world.now_us += 30 * SECOND
    world.control.came_up()
    assert set(world.look(2)) == {65}


def test_quick_first_tokens_open_it_where_nothing_is_told() -> None:
    world = World()
    world.answer([10] * 8)
    assert world.look(1, in_flight=8) == [16] * 4
    world.answer([10] * 7)
    assert world.look(1, in_flight=16) == [16] * 4  # seven are not enough
    world.answer([10])
    assert world.look(1, in_flight=16)[0] == 32


def test_slow_first_tokens_close_it() -> None:
    """Half of the delay is more than twice the usual: of 32 without an answer, 16 wait; 12 remain."""
    world = World()
    world.answer([10] * 8)
    world.look(1, in_flight=8)
    world.answer([40] * 16)
    for number in range(16):
        world.control.started(RequestId(f"open {number}"), 100, world.now_us)
    assert world.look(1, in_flight=16)[-1] < 16
    assert world.control.reason is WindowReason.SLOW_ANSWERS


def test_what_is_usual_does_not_rise_while_somebody_waits() -> None:
    world = World()
    world.answer([10] * 8)
    world.look(1, in_flight=8)
    for _ in range(50):
        world.answer([1_000] * 16)
    world.now_us += SECOND
    for number in range(16):
        world.control.started(RequestId(f"open {number}"), 100, world.now_us)
    world.look(1, in_flight=16)
    assert world.window < 16


def test_twice_the_usual_is_a_full_batch_and_no_queue() -> None:
    world = World()
    world.answer([10] * 8)
    world.look(1, in_flight=8)
    for _ in range(4):
        world.answer([20] * 16)
        for number in range(16):
            world.control.started(RequestId(f"open {number}"), 100, world.now_us)
        world.now_us += 15_000
        world.control.look(in_flight=16, is_awaited=True, now_us=world.now_us)
        assert world.control.reason is WindowReason.ROOM
        for number in range(16):
            world.control.ended(RequestId(f"open {number}"), None, world.now_us)
