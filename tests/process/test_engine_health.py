"""When an engine counts as down, and when as up again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
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

    def __call__(self, up: bool, reason: str) -> None:
        self.heard.append((up, reason))
        self._more.set()

    async def count(self, number: int) -> tuple[bool, str]:
        while len(self.heard) < number:
            self._more.clear()
            await self._more.wait()
        ups = [up for up, _ in self.heard]
        assert all(before != after for before, after in pairwise(ups)), "told without a change"
        return self.heard[number - 1]


@asynccontextmanager
async def probed(
    kind: str, settings: ProbeSettings = QUICK, **states: int | None
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
    """Let so many more probes come and be answered; give the paths of all."""
    wanted = len(engine.probes) + count
    await (await engine.probed(wanted)).answered.wait()
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
def test_each_kind_is_asked_on_its_page_and_lasting_health_is_told_once(
    kind: str, path: str
) -> None:
    async def main() -> None:
        async with probed(kind) as (engine, probe, changes):
            assert set(await probes(engine, 5)) == {path}
            assert changes.heard == [(True, "answers")]
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
            assert await changes.count(2) == (False, "GET /v1/models answered 500")

    run_on_loop(main)


def test_an_engine_with_neither_page_answers_all_the_same() -> None:
    async def main() -> None:
        async with probed("vllm", health_status=404, models_status=404) as (engine, probe, changes):
            await probes(engine, 5)
            assert changes.heard == [(True, "answers")]
            assert probe.up

    run_on_loop(main)


def test_a_crash_and_a_return_are_each_told_once() -> None:
    async def main() -> None:
        async with probed("vllm") as (engine, probe, changes):
            await changes.count(1)
            await engine.crash()
            up, reason = await changes.count(2)
            assert not up
            assert "could not connect" in reason or "closed the connection" in reason
            await engine.listen()
            assert await changes.count(3) == (True, "answers")
            await probes(engine, 5)
            assert len(changes.heard) == 3
            assert probe.up

    run_on_loop(main)


def test_an_engine_that_still_loads_is_down_until_it_is_ready() -> None:
    async def main() -> None:
        async with probed("llamacpp", health_status=503) as (engine, probe, changes):
            assert probe.up is None
            assert await changes.count(1) == (False, "GET /health answered 503")
            assert len(engine.probes) == 1
            engine.health_status = 200
            assert await changes.count(2) == (True, "answers")

    run_on_loop(main)


@pytest.mark.parametrize("status", [None, 503])
def test_a_healthy_engine_may_fail_one_probe_but_not_two(status: int | None) -> None:
    async def main() -> None:
        patience = ProbeSettings(interval_ms=5, backoff_min_ms=1, backoff_max_ms=8, timeout_ms=30)
        async with probed("vllm", patience) as (engine, _, changes):
            await changes.count(1)
            engine.health_status = status
            failed = await engine.probed(len(engine.probes) + 1)
            engine.health_status = 200
            await engine.probed(len(engine.probes) + 3)
            assert failed.closed.is_set() == (status is None)
            assert changes.heard == [(True, "answers")]
            engine.health_status = status
            assert (await changes.count(2))[0] is False

    run_on_loop(main)


def test_a_reported_failure_counts_at_once_and_brings_a_probe_soon() -> None:
    async def main() -> None:
        # The next ordinary probe is a minute away, further than this test lives.
        async with probed("vllm", NEVER) as (_, probe, changes):
            await changes.count(1)
            probe.report_failure("connect refused")
            probe.report_failure("connect refused")
            assert changes.heard[1:] == [(False, "connect refused")]
            assert await changes.count(3) == (True, "answers")

    run_on_loop(main)


def test_an_answer_from_before_the_reported_failure_proves_nothing() -> None:
    async def main() -> None:
        asked: asyncio.Queue[asyncio.Event] = asyncio.Queue(9)

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(asyncio.IncompleteReadError):
                while await reader.readuntil(b"\r\n\r\n"):
                    may_answer = asyncio.Event()
                    await asked.put(may_answer)
                    await may_answer.wait()
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        changes = Changes()
        probe = HealthProbe(EngineAddress.parse(url), "vllm", changes, settings=QUICK)
        probe.start()
        try:
            (await asked.get()).set()
            await changes.count(1)
            under_way = await asked.get()
            probe.report_failure("connect refused")
            under_way.set()
            following = await asked.get()
            assert changes.heard[1:] == [(False, "connect refused")]
            following.set()
            assert await changes.count(3) == (True, "answers")
        finally:
            await probe.stop()
            server.close()
            await server.wait_closed()

    run_on_loop(main)


def test_a_listener_that_raises_does_not_end_the_probing() -> None:
    async def main() -> None:
        raised: list[Any] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: raised.append(context["exception"]))
        error = ZeroDivisionError("listener")

        def change(up: bool, _: str) -> None:
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


def test_an_engine_that_refused_connections_and_is_back_has_restarted() -> None:
    async def main() -> None:
        async with probed("vllm") as (engine, probe, changes):
            await changes.count(1)
            assert not probe.has_restarted, "nobody has seen it before"
            await engine.crash()
            await changes.count(2)
            while not probe._has_refused:  # noqa: ASYNC110 - the first failure may be a cut connection
                await asyncio.sleep(0.001)
            await engine.listen()
            await changes.count(3)
            assert probe.has_restarted

    run_on_loop(main)


def test_an_engine_that_was_silent_for_a_while_has_not_restarted() -> None:
    async def main() -> None:
        patience = ProbeSettings(interval_ms=5, backoff_min_ms=1, backoff_max_ms=8, timeout_ms=30)
        async with probed("vllm", patience) as (engine, probe, changes):
            await changes.count(1)
            engine.health_status = None
            await changes.count(2)
            engine.health_status = 200
            await changes.count(3)
            assert not probe.has_restarted

    run_on_loop(main)
