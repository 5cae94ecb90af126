"""Windows that move, over real sockets: the engine is full, nobody waits in it, whatever it tells."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from evenhand.model import EngineName, EngineReport
from evenhand.scheduling.window import WindowControl, WindowLimits, WindowReason
from support.gateway import CHAT, STREAM, Backend, RunningGateway, Setup, gateway
from support.on_loop import run_on_loop
from support.seated_engine import SeatedEngine
from support.serve import configuration, serving, url_engine

REPORTS = 40


@asynccontextmanager
async def asked_all_the_time(g: RunningGateway, clients: int) -> AsyncIterator[None]:
    """So many clients, each of which asks again when it was answered."""
    stopped = asyncio.Event()

    async def ask() -> None:
        while not stopped.is_set():
            assert (await g.post(STREAM)).is_whole

    asking = [asyncio.create_task(ask()) for _ in range(clients)]
    try:
        yield
    finally:
        stopped.set()
        await asyncio.gather(*asking)


async def tell(g: RunningGateway, engine: SeatedEngine, times: int = REPORTS) -> list[int]:
    """Hand on what it tells, every 25 ms; what waited in it each time."""
    link, waiting = g.dispatcher.engines[EngineName("e0")], []
    for _ in range(times):
        await asyncio.sleep(0.025)
        waiting.append(len(engine.waiting))
        g.windows.heard(link, engine.report())
    return waiting


def test_it_opens_to_what_the_engine_computes_and_follows_it_down_and_up() -> None:
    async def main() -> None:
        control = WindowControl(WindowLimits())
        async with SeatedEngine(seats=20) as engine, gateway(Backend(engine, control=control)) as g:
            async with asked_all_the_time(g, 60):
                await tell(g, engine)
                assert control.window in range(19, 25)
                waiting = sorted(await tell(g, engine))
                assert waiting[len(waiting) // 2] <= 2
                engine.seats = 4
                await tell(g, engine)
                assert control.window in range(3, 9)
                assert control.changes[WindowReason.ENGINE_QUEUE] >= 1
                engine.seats = 20
                await tell(g, engine)
                assert control.window in range(17, 25)
            assert engine.running_max < 60

    run_on_loop(main)


def test_nobody_is_told_of_an_overload_while_the_window_opens() -> None:
    async def main() -> None:
        control = WindowControl(WindowLimits())
        async with SeatedEngine(seats=20) as engine, gateway(Backend(engine, control=control)) as g:
            known = g.scheduler.capacity.engines[EngineName("e0")]
            async with asked_all_the_time(g, 60):
                await tell(g, engine, 1)
                states = [known.may_take_more]
                await tell(g, engine)
                states.append(known.may_take_more)
                assert states == [True, False]
                assert known.waiting <= 4

    run_on_loop(main)


def test_what_waits_in_an_engine_of_a_fixed_window_is_known_too() -> None:
    async def main() -> None:
        async with SeatedEngine(seats=1) as engine, gateway(Backend(engine, window=4)) as g:
            link = g.dispatcher.engines[EngineName("e0")]
            g.windows.heard(link, EngineReport(running=1, waiting=3))
            assert g.scheduler.capacity.engines[link.name].waiting == 3
            g.windows.heard(link, None)
            assert g.scheduler.capacity.engines[link.name].waiting == 0
            assert link.window == 4

    run_on_loop(main)


@pytest.mark.parametrize("body", [STREAM, CHAT])
def test_an_engine_that_tells_nothing_is_known_by_its_answers(body: dict[str, object]) -> None:
    async def main() -> None:
        control = WindowControl(WindowLimits())
        async with SeatedEngine(seats=3) as engine, gateway(Backend(engine, control=control)) as g:

            async def ask() -> None:
                for _ in range(12):
                    answer = await g.post(body)
                    assert answer.status == 200

            for _ in range(5):
                await g.post(body)  # alone: what is usual
            await asyncio.gather(*(ask() for _ in range(20)))
            # The time of whole answers may double and a half before it counts as a queue.
            assert 1 <= control.window <= (8 if body is STREAM else 12)
            if body is STREAM:
                assert control.changes[WindowReason.SLOW_ANSWERS] >= 1

    run_on_loop(main)


def test_a_window_that_closes_to_one_lets_one_after_the_other_through() -> None:
    async def main() -> None:
        control = WindowControl(WindowLimits())
        async with SeatedEngine(seats=8) as engine, gateway(Backend(engine, control=control)) as g:
            link = g.dispatcher.engines[EngineName("e0")]
            for _ in range(3):
                g.windows.heard(link, EngineReport(running=0, waiting=10**9))
            assert link.window == 1
            answers = await asyncio.gather(*(g.post(CHAT) for _ in range(6)))
            assert [answer.status for answer in answers] == [200] * 6

    run_on_loop(main)


def test_in_observe_mode_windows_move_too() -> None:
    async def main() -> None:
        control, setup = WindowControl(WindowLimits()), Setup(observes=True)
        async with (
            SeatedEngine(seats=3) as engine,
            gateway(Backend(engine, control=control), setup=setup) as g,
            asked_all_the_time(g, 20),
        ):
            await tell(g, engine)
            assert control.window in range(3, 7)

    run_on_loop(main)


def test_serve_reads_the_engine_and_tells_why_the_window_is_what_it_is(tmp_path: Path) -> None:
    async def main() -> None:
        async with SeatedEngine(seats=3) as engine:
            entry = url_engine(engine.url, window="auto", window_max=50)
            async with serving(configuration(entry), folder=tmp_path) as served:
                await served.logged("engine", up=True)
                told: dict[str, Any] = {"window": 8}

                async def ask() -> None:
                    while told["window"] > 6:
                        assert (await served.post(CHAT)).status == 200

                async def look() -> None:
                    while told["window"] > 6:
                        await asyncio.sleep(0.2)
                        (now,) = (await served.admin("/state")).json["engines"]
                        told.update(now)

                await asyncio.gather(look(), *(ask() for _ in range(12)))
                assert told["window"] >= 3
                assert told["window_reason"] == "engine_queue"
                assert told["window_because"] == "requests waited inside the engine"
                metrics = (await served.admin("/metrics")).body.decode()
                counted = 'evenhand_engine_window_changes_total{engine="far",reason="engine_queue"}'
                assert f"{counted} 1.0" in metrics
                assert await served.stop() == 0

    run_on_loop(main, limit_s=60)
