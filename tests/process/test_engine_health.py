"""When an engine counts as down, and when as up again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from evenhand.engines.health import HealthProbe, ProbeSettings
from evenhand.engines.http import EngineAddress
from support.on_loop import run_on_loop
from support.scripted_engine import ScriptedEngine

QUICK = ProbeSettings(interval_ms=5, backoff_min_ms=1, backoff_max_ms=8, timeout_ms=1000)
NEVER = ProbeSettings(interval_ms=60_000, backoff_min_ms=1, backoff_max_ms=8, timeout_ms=1000)


class Changes:
    def __init__(self) -> None:
        self.heard: list[tuple[bool, str]] = []
        self._more = asyncio.Event()

    def __call__(self, up: bool, reason: str) -> None:  # noqa: FBT001 - the callback's shape
        self.heard.append((up, reason))
        self._more.set()

    async def count(self, number: int) -> tuple[bool, str]:
        while len(self.heard) < number:
            self._more.clear()
            await self._more.wait()
        assert [up for up, _ in self.heard] == [index % 2 == 1 for index in range(number)]
        return self.heard[-1]


@asynccontextmanager
async def probed(
    kind: str, settings: ProbeSettings = QUICK, **states: Any
) -> AsyncIterator[tuple[ScriptedEngine, HealthProbe, Changes]]:
    changes = Changes()
    async with ScriptedEngine() as engine:
        for name, value in states.items():
            setattr(engine, name, value)
        address = EngineAddress.parse(engine.url)
        probe = HealthProbe(address, kind, changes, settings=settings)
        probe.start()
        try:
            yield engine, probe, changes
        finally:
            await probe.stop()
        heard = len(changes.heard)
        probe.report_failure("after the end")
        assert len(changes.heard) <= heard
    assert len(asyncio.all_tasks()) == 1


async def probes(engine: ScriptedEngine, count: int) -> list[str]:
    wanted = len(engine.probes) + count
    while len(engine.probes) < wanted:
        await asyncio.sleep(0.001)
    return [request.path for request in engine.probes]


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("vllm", "/health"),
        ("sglang", "/health"),
        ("llamacpp", "/health"),
        ("trtllm", "/health"),
        ("openai", "/v1/models"),
    ],
)
def test_each_kind_is_asked_on_its_page_and_health_is_no_news(kind: str, path: str) -> None:
    async def main() -> None:
        async with probed(kind) as (engine, probe, changes):
            assert set(await probes(engine, 5)) == {path}
            assert changes.heard == []
            assert probe.up
            assert engine.connections_made == 1

    run_on_loop(main)


def test_an_engine_without_a_health_page_is_asked_for_its_models_from_then_on() -> None:
    async def main() -> None:
        async with probed("vllm", health_status=404) as (engine, _, changes):
            paths = await probes(engine, 5)
            assert paths[0] == "/health"
            assert set(paths[1:]) == {"/v1/models"}
            engine.models_status = 500
            up, reason = await changes.count(1)
            assert not up
            assert reason == "GET /v1/models answered 500"

    run_on_loop(main)


def test_an_engine_with_neither_page_answers_all_the_same() -> None:
    async def main() -> None:
        states = {"health_status": 404, "models_status": 404}
        async with probed("vllm", **states) as (engine, probe, changes):
            await probes(engine, 5)
            assert changes.heard == []
            assert probe.up

    run_on_loop(main)


def test_a_crash_and_a_return_are_each_told_once() -> None:
    async def main() -> None:
        async with probed("vllm") as (engine, probe, changes):
            await probes(engine, 1)
            await engine.crash()
            _, reason = await changes.count(1)
            assert "could not connect" in reason
            await engine.listen()
            assert await changes.count(2) == (True, "answers")
            await probes(engine, 5)
            assert len(changes.heard) == 2
            assert probe.up

    run_on_loop(main)


def test_an_engine_that_still_loads_is_down_until_it_is_ready() -> None:
    async def main() -> None:
        async with probed("llamacpp", health_status=503) as (engine, _, changes):
            assert await changes.count(1) == (False, "GET /health answered 503")
            assert len(engine.probes) == 2
            engine.health_status = 200
            assert (await changes.count(2))[0]

    run_on_loop(main)


def test_an_engine_that_accepts_and_is_silent_is_down_at_the_second_time() -> None:
    async def main() -> None:
        patience = ProbeSettings(interval_ms=5, backoff_min_ms=1, backoff_max_ms=8, timeout_ms=20)
        async with probed("vllm", patience, health_status=None) as (engine, _, changes):
            _, reason = await changes.count(1)
            assert "silent" in reason
            assert len(engine.probes) == 2
            engine.health_status = 200
            assert (await changes.count(2))[0]

    run_on_loop(main)


def test_a_reported_failure_counts_at_once_and_brings_a_probe_soon() -> None:
    async def main() -> None:
        # The next ordinary probe is a minute away, further than this test lives.
        async with probed("vllm", NEVER) as (engine, probe, changes):
            await probes(engine, 1)
            await engine.probes[0].answered.wait()
            probe.report_failure("connect refused")
            probe.report_failure("connect refused")
            assert changes.heard == [(False, "connect refused")]
            assert await changes.count(2) == (True, "answers")

    run_on_loop(main)


def test_an_answer_from_before_the_reported_failure_proves_nothing() -> None:
    async def main() -> None:
        patience = ProbeSettings(
            interval_ms=60_000, backoff_min_ms=1, backoff_max_ms=8, timeout_ms=10_000
        )
        async with probed("vllm", patience) as (engine, probe, changes):
            answer = asyncio.Event()
            hold = engine.probes.append

            class Held(list[Any]):
                def append(self, request: Any) -> None:
                    hold(request)
                    probe.report_failure("connect refused")
                    answer.set()

            engine.probes = Held()
            await answer.wait()
            assert await changes.count(2) == (True, "answers")

    run_on_loop(main)


def test_a_listener_that_raises_does_not_end_the_probing() -> None:
    async def main() -> None:
        raised: list[Any] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: raised.append(context["exception"]))
        error = ZeroDivisionError("listener")

        def change(up: bool, _: str) -> None:  # noqa: FBT001 - the callback's shape
            if not up:
                raise error
            back.set()

        back = asyncio.Event()
        async with ScriptedEngine() as engine:
            engine.health_status = 503
            address = EngineAddress.parse(engine.url)
            probe = HealthProbe(address, "vllm", change, settings=QUICK)
            probe.start()
            while not raised:
                await probes(engine, 1)
            engine.health_status = 200
            await back.wait()
            await probe.stop()
        assert raised == [error]

    run_on_loop(main)
