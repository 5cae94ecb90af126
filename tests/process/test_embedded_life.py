"""How the engine's process lives and dies."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Self

import pytest
import uvloop

from evenhand.engines.embedded import EmbeddedEngine, EmbeddedEngineError
from evenhand.engines.embedded.process import EngineProcess
from support.embedded_engine import children, get, small_model_file, small_settings

pytestmark = pytest.mark.engine
Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    chosen: Run = request.param
    return chosen


class Watched:
    """An engine and what it reported."""

    def __init__(self, **chosen: Any) -> None:
        self.changes: asyncio.Queue[bool] = asyncio.Queue()
        self.engine = EmbeddedEngine(small_settings(**chosen), on_change=self.changes.put_nowait)

    async def __aenter__(self) -> Self:
        await self.engine.start()
        assert await self.changes.get()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.engine.stop()


def wait_until_gone(pidfd: int) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    try:
        return bool(poll.poll(20_000))
    finally:
        os.close(pidfd)


def wait_until_stopped(pid: int) -> None:
    os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def ignored_signals(pid: int | None) -> int:
    (line,) = [
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("SigIgn:")
    ]
    return int(line.split()[1], 16)


def file_size_limit(pid: int | None) -> list[str]:
    limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
    (line,) = [line for line in limits if line.startswith("Max file size")]
    return line.split()[3:5]


def test_a_killed_engine_comes_back_at_the_same_url(run: Run) -> None:
    async def main() -> None:
        async with Watched() as watched:
            url, pid = watched.engine.url, watched.engine.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            assert [await watched.changes.get(), await watched.changes.get()] == [False, True]
            assert watched.engine.url == url
            assert watched.engine.pid != pid
            assert (await asyncio.to_thread(get, url, "/health"))[0] == 200
            assert watched.changes.empty()

    run(main())


def test_too_much_memory_restarts_it(run: Run) -> None:
    async def main() -> None:
        async with Watched(memory_bytes_max=1024) as watched:
            assert [await watched.changes.get(), await watched.changes.get()] == [False, True]

    run(main())


def test_it_dies_with_a_parent_that_was_killed() -> None:
    parent = f"""
import asyncio, sys
from pathlib import Path
from evenhand.engines.embedded import EmbeddedEngine, EmbeddedSettings
settings = EmbeddedSettings(model_file=Path({str(small_model_file())!r}), context_tokens=512)
async def main():
    engine = EmbeddedEngine(settings, on_change=lambda serves: None)
    await engine.start()
    print(engine.pid, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = os.pidfd_open(int(process.stdout.readline()))
        process.kill()
    assert wait_until_gone(child)


def test_it_dies_even_while_it_cannot_run_python() -> None:
    """Between readiness and the end the child is stuck in C code, as when a model loads."""
    code = (
        "from evenhand.engines.embedded.lifeline import die_with_parent\n"
        "die_with_parent(0)\n"
        "print('up', flush=True)\n"
        "sum(range(10**12))"
    )
    lifeline, parent_end = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=lifeline, stdout=subprocess.PIPE
    ) as process:
        os.close(lifeline)
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        os.close(parent_end)
        assert process.wait(20) == -signal.SIGIO


def test_it_never_starts_for_a_parent_that_is_gone_already() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "evenhand.engines.embedded.child"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 1
    assert b"the parent is gone" in ended.stderr


def test_control_c_is_left_to_the_parent() -> None:
    async def main() -> None:
        async with Watched() as watched:
            assert ignored_signals(watched.engine.pid) & 1 << signal.SIGINT - 1

    # A process started in the background ignores it anyway, and so would its children.
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        asyncio.run(main())
    finally:
        signal.signal(signal.SIGINT, before)


def test_its_log_is_bounded() -> None:
    async def main() -> None:
        async with Watched() as watched:
            assert file_size_limit(watched.engine.pid) == ["262144", "262144"]

    asyncio.run(main())


def test_stop_leaves_no_process_and_may_be_repeated(run: Run) -> None:
    before = children()

    async def main() -> None:
        async with Watched() as watched:
            await watched.engine.stop()
            assert children() == before
            await watched.engine.stop()
            assert watched.changes.empty()

    run(main())


def test_stop_before_start_is_harmless() -> None:
    async def main() -> None:
        await EmbeddedEngine(small_settings(), on_change=lambda _: None).stop()

    asyncio.run(main())


def test_stop_ends_a_child_that_does_not_listen() -> None:
    before = children()

    async def main() -> None:
        async with Watched() as watched:
            assert watched.engine.pid is not None
            os.kill(watched.engine.pid, signal.SIGSTOP)
            wait_until_stopped(watched.engine.pid)
            await watched.engine.stop()
            assert children() == before

    asyncio.run(main())


def test_stop_during_a_restart_leaves_no_process() -> None:
    before = children()

    async def main() -> None:
        async with Watched() as watched:
            assert watched.engine.pid is not None
            os.kill(watched.engine.pid, signal.SIGKILL)
            assert await watched.changes.get() is False
            await watched.engine.stop()
            assert children() == before
            assert watched.changes.empty()

    asyncio.run(main())


def test_a_cancelled_start_leaves_no_process(run: Run) -> None:
    before = children()

    async def main() -> None:
        engine = EmbeddedEngine(small_settings(), on_change=lambda _: None)
        start = asyncio.create_task(engine.start())
        while children() == before:  # noqa: ASYNC110 - the kernel's list rings no bell
            await asyncio.sleep(0)
        start.cancel()
        await asyncio.wait([start])
        assert start.cancelled()
        assert children() == before

    run(main())


def test_a_child_that_is_not_ready_in_time_is_ended() -> None:
    before = children()

    async def main() -> None:
        with pytest.raises(EmbeddedEngineError, match="did not load its model within"):
            await EngineProcess.start([], ready_s_max=0)
        assert children() == before

    asyncio.run(main())


def test_starting_and_stopping_leaks_no_file(run: Run) -> None:
    async def main() -> None:
        async with Watched():
            pass  # what the loop opens once and keeps
        before = open_files()
        async with Watched():
            pass
        assert open_files() == before

    run(main())
