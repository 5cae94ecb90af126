"""`evenhand top` beside a gateway that serves, and beside none."""

import asyncio
import json
import os
import pty
import sys
from pathlib import Path
from typing import Any

from support.free_port import free_port
from support.gateway import CHAT
from support.on_loop import run_on_loop
from support.scripted_engine import ScriptedEngine
from support.serve import ADMIN_KEY, configuration, serving, spawn, url_engine


def config_of(engine: ScriptedEngine, port: int) -> dict[str, Any]:
    admin = {"listen": f"127.0.0.1:{port}", "credential": "env:ADMIN_KEY"}
    return configuration(url_engine(engine.url), admin=admin)


async def top(folder: Path, *options: str, **environment: str) -> tuple[int, str, str]:
    file = str(folder / "evenhand.yaml")
    process = await spawn("top", "--config", file, *options, environment=environment)
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


def test_one_frame_and_one_document(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            async with serving(config_of(engine, free_port()), folder=tmp_path) as served:
                await served.logged("engine", up=True)
                for _ in range(3):
                    assert (await served.post(CHAT)).status == 200
                code, output, errors = await top(tmp_path, "--once", COLUMNS="100")
                assert (code, errors) == (0, "")
                assert "fairness" in output
                assert "far" in output
                await asyncio.sleep(1.2)  # the second in which they ended is over
                code, output, _ = await top(tmp_path, "--json")
                assert code == 0
                page = json.loads(output)
                a = page["sample"]["tenants"][0]
                assert (a["path"], a["units_total"] > 0) == ("a", True)
                assert page["sample"]["counts"]["ended"] == 3
                assert page["alarms"] == []
                code, _, errors = await top(tmp_path, "--json", ADMIN_KEY="x" * 40)
                assert code == 1
                assert "refuses the credential" in errors
                code, _, errors = await top(tmp_path, "--sort", "x")
                assert code == 1
                assert "--sort is one of r, d," in errors
            code, _, errors = await top(tmp_path)
            assert code == 1
            assert "no gateway answers" in errors

    run_on_loop(main, 60)


def test_in_a_terminal_it_goes_on_until_q_and_says_when_the_gateway_is_gone(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:  # noqa: SIM117 - one is asked, the other goes
            async with serving(config_of(engine, free_port()), folder=tmp_path) as served:
                await served.logged("engine", up=True)
                outer, inner = pty.openpty()
                process = await asyncio.create_subprocess_exec(
                    *_command(tmp_path),
                    stdin=inner,
                    stdout=inner,
                    stderr=inner,
                    env={**os.environ, "ADMIN_KEY": ADMIN_KEY, "TERM": "xterm"},
                )
                os.close(inner)
                terminal = Terminal(outer)
                await terminal.shows("fairness")
                os.write(outer, b"n")
                await terminal.shows("n name")
                await served.stop()
                await terminal.shows("no gateway answers")
                os.write(outer, b"q")
                assert await asyncio.wait_for(process.wait(), 20) == 0
                terminal.close()

    run_on_loop(main, 60)


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "evenhand", "top", "--config", str(folder / "evenhand.yaml")]


class Terminal:
    """What was written to one end of it."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._seen = b""
        self._came = asyncio.Event()
        asyncio.get_running_loop().add_reader(fd, self._read)

    def _read(self) -> None:
        try:
            self._seen += os.read(self._fd, 65_536)
        except OSError:  # the other end is closed
            asyncio.get_running_loop().remove_reader(self._fd)
        self._came.set()

    async def shows(self, text: str) -> None:
        """Wait for it, from here on."""
        self._seen = b""
        async with asyncio.timeout(20):
            while text.encode() not in self._seen:
                self._came.clear()
                await self._came.wait()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)
