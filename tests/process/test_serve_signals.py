"""How `evenhand serve` ends: what is open is finished, what hangs is told, nothing stays."""

import asyncio
import contextlib
import json
import os
import signal
from pathlib import Path

from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import Served, configuration, end, serving, spawn, url_engine

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello there"}], "max_tokens": 8}


def test_sigterm_turns_readiness_off_and_lets_a_stream_finish(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            serving(configuration(url_engine(engine.url)), folder=tmp_path) as served,
        ):
            await served.logged("engine", up=True)
            engine.default = Answer(tokens=5, gated=True)
            stream = await served.stream(CHAT)
            request = await engine.received(1)
            request.step()
            await stream.event()

            served.signal(signal.SIGTERM)
            await served.logged("draining", open_requests=1)
            ready = await served.admin("/readyz")
            assert ready.status == 503
            assert [reason["condition"] for reason in ready.json["reasons"]] == ["draining"]
            assert await _is_refused(served.host, served.port), "nothing new is taken"

            request.release()
            events = await stream.events()
            assert events[-1] == b"[DONE]"
            assert stream.is_whole
            await stream.close()
            assert await served.ended() == 0
            assert served.lines[-1]["event"] == "stopped"
            assert served.lines[-1]["cut"] == 0

    run_on_loop(main)


def test_the_drain_deadline_ends_a_stream_with_an_error(tmp_path: Path) -> None:
    async def main() -> None:
        config = configuration(url_engine("http://127.0.0.1:1"), limits={"drain_s": 0.05})
        async with ScriptedEngine() as engine:
            config["engines"][0]["url"] = engine.url
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                events = await _events_of_a_hanging_stream(engine, served, signals=1)
                assert b'"code":"shutting_down"' in events[-1]
                assert await served.ended() == 0

    run_on_loop(main)


def test_a_second_sigterm_hurries(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            serving(configuration(url_engine(engine.url)), folder=tmp_path) as served,
        ):
            await served.logged("engine", up=True)
            events = await _events_of_a_hanging_stream(engine, served, signals=2)
            assert b'"code":"shutting_down"' in events[-1]
            assert await served.ended() == 0
            assert served.lines[-1]["event"] == "stopped"
            assert served.lines[-1]["ended_by_us"] == 1

    run_on_loop(main)


def test_a_queued_request_is_told_that_the_gateway_stops(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            config = configuration(url_engine(engine.url, window=1), limits={"drain_s": 0.05})
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                engine.default = Answer(gated=True)
                running = await served.stream(CHAT)
                await engine.received(1)
                waiting = asyncio.create_task(served.post(CHAT))
                while (await served.admin("/state")).json["queue"]["requests"] != 1:
                    pass  # asking is waiting enough
                served.signal(signal.SIGTERM)
                answer = await waiting
                assert answer.status == 503
                assert answer.json["error"]["code"] == "shutting_down"
                assert answer.headers["x-should-retry"] == "true"
                await running.close()
                assert await served.ended() == 0
                assert len(engine.requests) == 1, "what only waited was never dispatched"

    run_on_loop(main)


def test_a_signal_while_it_announces_itself_is_heard(tmp_path: Path) -> None:
    async def main() -> None:
        file = tmp_path / "evenhand.yaml"
        file.write_text(json.dumps(configuration(url_engine("http://127.0.0.1:1"))))
        reading, writing = _full_pipe()
        process = await spawn("serve", str(file), "--announce", stdout=writing)
        os.close(writing)
        try:
            assert process.stderr is not None
            while b'"started"' not in (line := await process.stderr.readline()):
                assert line, "it ended before it served"
            process.terminate()
            assert b'"listen"' in await asyncio.to_thread(_read_all, reading)
            await process.stderr.read()
            assert await process.wait() == 0
        finally:
            await end(process)

    run_on_loop(main)


def test_it_ends_with_the_terminal_that_it_ran_in(tmp_path: Path) -> None:
    async def main() -> None:
        file = tmp_path / "evenhand.yaml"
        file.write_text(json.dumps(configuration(url_engine("http://127.0.0.1:1"))))
        screen, terminal = os.openpty()
        process = await spawn("serve", str(file), "--announce", stdin=terminal)
        os.close(terminal)
        try:
            assert process.stdout is not None
            assert b'"listen"' in await process.stdout.readline()
            process.send_signal(signal.SIGHUP)
            assert process.stderr is not None
            while b'"reload_without_effect"' not in (line := await process.stderr.readline()):
                assert line, "it ended though its terminal is open"
            os.close(screen)
            process.send_signal(signal.SIGHUP)
            assert await process.wait() == 0
        finally:
            await end(process)

    run_on_loop(main)


def _full_pipe() -> tuple[int, int]:
    """Whoever writes to it waits until somebody reads."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"\n")
    os.set_blocking(writing, True)
    return reading, writing


def _read_all(reading: int) -> bytes:
    with os.fdopen(reading, "rb") as pipe:
        return pipe.read()


async def _events_of_a_hanging_stream(
    engine: ScriptedEngine, served: Served, *, signals: int
) -> list[bytes]:
    engine.default = Answer(tokens=5, hang_after_tokens=1)
    stream = await served.stream(CHAT)
    request = await engine.received(1)
    await stream.event()
    served.signal(signal.SIGTERM)
    await served.logged("draining")
    for _ in range(signals - 1):
        served.signal(signal.SIGTERM)
    events = await stream.events()
    await stream.close()
    await request.closed_by_client.wait()
    return events


async def _is_refused(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False
