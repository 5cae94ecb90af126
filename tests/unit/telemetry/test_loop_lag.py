"""The lag of the event loop is what passes beyond the interval."""

import asyncio
from collections.abc import Callable, Coroutine
from itertools import chain, repeat
from typing import Any

import pytest
import uvloop

from evenhand.telemetry import LoopLag

Runner = Callable[[Coroutine[Any, Any, None]], None]
RUNNERS = pytest.mark.parametrize("run", [asyncio.run, uvloop.run])


@RUNNERS
def test_lag_is_the_time_beyond_the_interval_and_never_negative(run: Runner) -> None:
    # Due 1 ms after each schedule: the first tick comes 250 ms late, the second early.
    times_s = chain([10.0, 10.251, 20.0, 20.0005], repeat(30.0))
    seen: list[float] = []

    async def main() -> None:
        done = asyncio.Event()

        def observe(lag_s: float) -> None:
            seen.append(lag_s)
            if len(seen) == 2:
                done.set()

        lag = LoopLag(observe, interval_ms=1, clock=lambda: next(times_s))
        lag.start()
        await done.wait()
        lag.stop()

    run(main())
    assert seen == pytest.approx([0.25, 0.0])


@RUNNERS
def test_after_stop_nothing_is_measured_and_no_timer_is_left(run: Runner) -> None:
    async def main() -> None:
        ticked = asyncio.Event()
        lag = LoopLag(lambda _: ticked.set(), interval_ms=1)
        lag.start()
        lag.start()  # replaces the first
        await ticked.wait()
        timer = lag._timer
        assert timer is not None
        lag.stop()
        lag.stop()
        assert timer.cancelled()
        assert lag._timer is None

    run(main())


def test_starting_twice_leaves_one_timer() -> None:
    async def main() -> None:
        lag = LoopLag(lambda _: None, interval_ms=60_000)
        lag.start()
        first = lag._timer
        assert first is not None
        lag.start()
        assert first.cancelled()
        lag.stop()

    asyncio.run(main())
