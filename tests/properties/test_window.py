"""The window of an engine, on the simulator's engine: full, never idle, with next to nothing waiting in
it, whatever becomes of it and whatever it says (window.md; reliability: a slow engine)."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.model import EngineReport, RequestId
from evenhand.scheduling.window import WindowControl, WindowLimits
from evenhand.sim.profile import EngineProfile, load_profile
from support.windowed_engine import Driven, Sample, asks_of, honest, silent

H100 = load_profile("h100-llama-3.1-8b")
CHAT = {"prompt": (100, 800), "answer": (20, 200)}
LONG = {"prompt": (100, 800), "answer": (100, 600)}
CALM_MS, END_MS = 20_000, 60_000


def of_seats(seats: int) -> EngineProfile:
    return H100.model_copy(update={"sequences_max": seats})


def of_memory(tokens: int) -> EngineProfile:
    return H100.model_copy(update={"kv_tokens": tokens})


def driven(profile: EngineProfile, *, slots: int | None = None, **how: Any) -> Driven:
    control = WindowControl(WindowLimits(slots=slots))
    return Driven(profile, control, asks_of(1, **how.pop("asks", CHAT)), **how)


def unlimited(profile: EngineProfile, *, asks: dict[str, tuple[int, int]] | None = None) -> Driven:
    return Driven(profile, None, asks_of(1, **(asks or CHAT)))


def over_dispatch(samples: list[Sample]) -> float:
    """What waits inside the engine for each request that it works on."""
    return sum(s.waiting for s in samples) / max(1, sum(s.running for s in samples))


@pytest.mark.parametrize("seats", [1, 4, 16, 64, 256])
def test_a_telling_engine_is_full_and_next_to_nothing_waits_in_it(seats: int) -> None:
    run = driven(of_seats(seats)).until(END_MS)
    most = unlimited(of_seats(seats)).until(END_MS).tokens(CALM_MS, END_MS)
    assert run.tokens(CALM_MS, END_MS) >= 0.98 * most
    assert run.queue_percentile(95, CALM_MS) <= (2 if seats < 256 else 4)
    assert run.idle_ms <= 2  # the hop of the first requests


@pytest.mark.parametrize("slots", [1, 4, 16])
def test_where_slots_are_known_nothing_is_to_be_found_out(slots: int) -> None:
    run = driven(of_seats(slots), slots=slots).until(END_MS)
    most = unlimited(of_seats(slots)).until(END_MS).tokens(0, END_MS)
    assert run.tokens(0, END_MS) >= 0.98 * most
    assert max(sample.window for sample in run.samples) <= slots + 2
    assert run.queue_percentile(95, 0) <= 2
    assert run.idle_ms <= 2


@pytest.mark.parametrize("tokens", [20_000, 40_000, 100_000])
def test_memory_is_filled_without_throwing_requests_out(tokens: int) -> None:
    """Less is computed twice, so that it may be faster than when it is flooded."""
    run = driven(of_memory(tokens), asks=LONG).until(2 * END_MS)
    flood = unlimited(of_memory(tokens), asks=LONG).until(2 * END_MS)
    ratio = run.tokens(CALM_MS, 2 * END_MS) / flood.tokens(CALM_MS, 2 * END_MS)
    assert ratio >= 0.97
    assert run.queue_percentile(95, CALM_MS) <= 2
    assert run.engine.preemptions < flood.engine.preemptions / 3


@pytest.mark.parametrize("seats", [4, 16, 64, 256])
def test_an_engine_that_tells_nothing_is_filled_by_how_its_answers_come(seats: int) -> None:
    run = driven(of_seats(seats), report_of=silent).until(END_MS)
    most = unlimited(of_seats(seats)).until(END_MS).tokens(CALM_MS, END_MS)
    assert run.tokens(CALM_MS, END_MS) >= 0.97 * most
    calm = [sample for sample in run.samples if sample.at_ms >= CALM_MS]
    assert over_dispatch(calm) <= (0.2 if seats > 4 else 0.5)
    assert run.idle_ms <= 2


@pytest.mark.parametrize("report_of", [honest, silent])
@pytest.mark.parametrize("profile", [of_seats(16), of_seats(64), of_memory(50_000)])
def test_a_slow_engine_and_one_that_returns_are_followed_within_ten_seconds(
    profile: EngineProfile, report_of: Callable[[Driven], EngineReport | None]
) -> None:
    def slowed(run: Driven) -> Driven:
        run.at(30_000, partial(run.slow_down, 10.0))
        run.at(60_000, partial(run.slow_down, 1.0))
        return run.until(90_000)

    run, most = slowed(driven(profile, report_of=report_of)), slowed(unlimited(profile))
    for begin_ms, end_ms in ((40_000, 60_000), (70_000, 90_000)):
        assert run.tokens(begin_ms, end_ms) >= 0.97 * most.tokens(begin_ms, end_ms)
        within = [sample for sample in run.samples if begin_ms <= sample.at_ms <= end_ms]
        assert over_dispatch(within) <= 0.2
        if report_of is honest:
            assert run.queue_percentile(95, begin_ms, end_ms) <= 3
    assert run.idle_ms <= 2


def test_an_engine_that_can_do_less_is_given_less_within_ten_seconds_and_more_when_it_can() -> None:
    run = driven(of_seats(64))
    run.at(30_000, partial(setattr, run.engine, "_seats", 6))
    run.at(60_000, partial(setattr, run.engine, "_seats", 64))
    run.until(90_000)
    assert run.at_moment(29_000).window in range(64, 68)
    assert run.at_moment(40_000).window in range(6, 10)
    assert run.queue_percentile(95, 40_000, 60_000) <= 3
    assert run.at_moment(70_000).window in range(60, 70)


@pytest.mark.parametrize("report_every_ms", [250.0, 1_000.0])
@pytest.mark.parametrize("hop_ms", [0.1, 20.0])
def test_neither_slow_news_nor_a_long_way_matter(report_every_ms: float, hop_ms: float) -> None:
    run = driven(of_seats(32), report_every_ms=report_every_ms, hop_ms=hop_ms).until(END_MS)
    most = unlimited(of_seats(32)).until(END_MS).tokens(CALM_MS, END_MS)
    assert run.tokens(CALM_MS, END_MS) >= 0.97 * most
    assert run.queue_percentile(95, CALM_MS) <= 3


def test_an_engine_that_falls_silent_is_given_less_slowly_and_never_nothing() -> None:
    run = driven(of_seats(64))
    run.at(30_000, partial(setattr, run, "is_silent", True))
    run.at(80_000, partial(setattr, run, "is_silent", False))
    run.until(100_000)
    full = run.at_moment(34_000).window
    assert full >= 64
    assert run.at_moment(38_000).window > full // 2
    assert run.at_moment(60_000).window == full // 4
    assert run.at_moment(90_000).window >= 64
    assert run.idle_ms <= 2


def test_an_engine_that_is_silent_for_good_is_known_by_its_answers() -> None:
    run = driven(of_seats(64))
    run.at(30_000, partial(setattr, run, "is_silent", True))
    run.until(110_000)
    most = unlimited(of_seats(64)).until(110_000)
    assert run.at_moment(85_000).window == 16
    assert run.tokens(105_000, 110_000) >= 0.95 * most.tokens(105_000, 110_000)


def all_zeros(run: Driven) -> EngineReport:
    """Of an engine whose counters are broken, or that is another than the one we ask."""
    del run
    return EngineReport(running=0, waiting=0, kv_used_permille=0, preemptions=0)


def nonsense(run: Driven) -> EngineReport:
    draw = random.Random(int(run.now_ms))
    return EngineReport(
        running=draw.choice([0, 1, 10**9, None]),
        waiting=draw.choice([0, 3, 10**12, None]),
        kv_used_permille=draw.choice([0, 1000, None]),
        slots=draw.choice([0, 1, 10**6, None]),
        preemptions=draw.choice([0, 5, 10**15, None]),
    )


def test_zeros_are_not_believed() -> None:
    run = driven(of_seats(64), report_of=all_zeros).until(END_MS)
    most = unlimited(of_seats(64)).until(END_MS).tokens(CALM_MS, END_MS)
    assert run.tokens(CALM_MS, END_MS) >= 0.97 * most
    assert over_dispatch(run.samples[400:]) <= 0.25


def test_nonsense_does_not_stop_an_engine() -> None:
    run = driven(of_seats(16), report_of=nonsense).until(END_MS)
    assert run.idle_ms <= 2
    assert all(1 <= sample.window <= 1024 for sample in run.samples)


NUMBERS = st.none() | st.sampled_from([0, 1, 2, 5, 10**3, 10**18])
REPORTS = st.none() | st.builds(
    EngineReport,
    running=NUMBERS,
    waiting=NUMBERS,
    kv_used_permille=st.none() | st.integers(0, 1000),
    slots=NUMBERS,
    preemptions=NUMBERS,
)


@given(st.data(), st.integers(1, 20), st.integers(0, 50), st.none() | st.integers(1, 40))
def test_nothing_that_happens_takes_a_window_out_of_its_bounds(
    data: st.DataObject, least: int, more: int, slots: int | None
) -> None:
    """Nor breaks the controller: requests that were never sent may end, and time may leap."""
    control = WindowControl(WindowLimits(minimum=least, maximum=least + more, slots=slots))
    now_us = 0
    for number in range(data.draw(st.integers(1, 40))):
        now_us += data.draw(st.sampled_from([0, 1, 1_000, 400_000, 10_000_000, 10**9]))
        in_flight = data.draw(st.integers(0, 100))
        is_awaited = data.draw(st.booleans())
        before = control.window
        request_id = RequestId(str(data.draw(st.integers(0, number))))
        match data.draw(st.sampled_from(["sent", "token", "left", "up", "told", "look"])):
            case "sent":
                control.started(request_id, data.draw(NUMBERS), now_us)
            case "token":
                control.first_token(request_id, now_us)
            case "left":
                control.ended(request_id, data.draw(NUMBERS), now_us)
            case "up":
                control.came_up()
            case "told":
                control.heard(
                    data.draw(REPORTS), in_flight=in_flight, is_awaited=is_awaited, now_us=now_us
                )
            case "look":
                control.look(in_flight=in_flight, is_awaited=is_awaited, now_us=now_us)
        assert least <= control.window <= least + more
        assert control.waiting_inside >= 0
        if not is_awaited and slots is not None:
            assert control.window <= max(before, slots + 1, least)
