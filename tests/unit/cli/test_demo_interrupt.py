"""Ctrl-C ends the demo with one line, and with everything that it started."""

import asyncio
import os
import signal
import sys

import pytest

from support.scripted_engine import ScriptedEngine


@pytest.mark.parametrize("whole_group", [True, False], ids=["ctrl-c", "kill"])
def test_an_interrupt_ends_the_demo_and_all_it_started(*, whole_group: bool) -> None:
    """A terminal sends it to the whole foreground group, `kill -INT` to one process."""

    async def main() -> None:
        async with ScriptedEngine(models=("demo",)) as engine:
            demo = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "evenhand", "demo", "--seconds", "60"),
                *("--engine", engine.url, "--model", "demo"),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
            assert demo.stdout is not None
            async with asyncio.timeout(30):
                while b"1/3 alone" not in (line := await demo.stdout.readline()):
                    assert line, await demo.communicate()
            os.kill(-demo.pid if whole_group else demo.pid, signal.SIGINT)
            async with asyncio.timeout(30):
                _, complaint = await demo.communicate()
        assert complaint == b"Stopped. Nothing is left running.\n"
        assert demo.returncode == 130
        with pytest.raises(ProcessLookupError):  # no process of its group is left
            os.killpg(demo.pid, 0)

    asyncio.run(main())
