"""`evenhand serve` as a user meets it: it starts, answers, and takes its engine with it."""

import os
import signal
from pathlib import Path

import pytest

from support.on_loop import run_on_loop
from support.serve import configuration, embedded, gone, serving

pytestmark = pytest.mark.engine
CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello there"}], "max_tokens": 8}
ENDLESS = {"ignore_eos": True, "max_tokens": 60_000}
"""With the context below, seconds of tokens: it is running when the engine is killed."""
ROOMY = embedded(context_tokens=65_536, slots=1)


def test_the_embedded_engine_answers_and_is_gone_afterwards(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(configuration(embedded()), folder=tmp_path) as served:
            answer = await served.post(CHAT)
            assert answer.status == 200
            assert 0 < answer.json["usage"]["completion_tokens"] <= 8
            stream = await served.stream(CHAT)
            assert (await stream.events())[-1] == b"[DONE]"
            await stream.close()
            assert (await served.admin("/readyz")).json == {"ready": True, "reasons": []}
            (engine,) = served.children()
            assert await served.stop() == 0
            await gone(engine)
            assert [line["event"] for line in served.lines][-2:] == ["draining", "stopped"]

    run_on_loop(main)


def test_an_engine_killed_under_a_stream_ends_it_with_an_error_and_comes_back(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with serving(configuration(ROOMY), folder=tmp_path) as served:
            stream = await served.stream(CHAT | ENDLESS)
            assert await stream.event()
            (engine,) = served.children()
            os.kill(engine, signal.SIGKILL)
            events = await stream.events()
            await stream.close()
            assert b'"code":"engine_failed"' in events[-1]
            assert b"[DONE]" not in events
            ended = await served.logged("request", outcome="engine_failed")
            assert ended["output_tokens"] > 0, "what was produced is counted"
            assert ended["units"] > 0
            await served.logged("engine", up=False, engine="local")
            await served.logged("engine", 2, up=True, engine="local")
            assert served.children() != [engine]
            assert (await served.post(CHAT)).status == 200

    run_on_loop(main)


def test_a_killed_gateway_leaves_no_engine_behind(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(configuration(embedded()), folder=tmp_path) as served:
            (engine,) = served.children()
            served.signal(signal.SIGKILL)
            assert await served.ended() == -signal.SIGKILL
            await gone(engine)

    run_on_loop(main)
