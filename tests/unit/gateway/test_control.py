"""The control socket: one line, one answer, and bounds on all that may come."""

import asyncio
import json
import os
import pwd
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from evenhand.gateway import control
from evenhand.gateway.control import CONNECTIONS_MAX, LINE_BYTES_MAX, ControlServer
from evenhand.stores import StateFolder, StateProblemError
from evenhand.stores.control_socket import CONTROL, forget, listen
from support.on_loop import run_on_loop


@asynccontextmanager
async def controlled(folder: Path) -> AsyncIterator[asyncio.Event]:
    """A server that knows `echo`, `fail` and `wait`; the event lets `wait` go."""
    go = asyncio.Event()

    async def echo(asked: dict[str, Any]) -> dict[str, Any]:
        return {"asked": asked}

    async def fail(_: dict[str, Any]) -> dict[str, Any]:
        raise StateProblemError("the disk is full")

    async def crash(_: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError("canary")

    async def wait(_: dict[str, Any]) -> dict[str, Any]:
        await go.wait()
        return {}

    state = StateFolder(folder)
    server = ControlServer(
        listen(state), {"echo": echo, "fail": fail, "crash": crash, "wait": wait}
    )
    await server.start()
    try:
        yield go
    finally:
        await server.stop()
        forget(state)
    assert not [task for task in asyncio.all_tasks() if "_serve" in repr(task.get_coro())]
    assert not (folder / CONTROL).exists()


async def ask(folder: Path, line: bytes) -> Any:
    reader, writer = await asyncio.open_unix_connection(str(folder / CONTROL))
    try:
        writer.write(line)
        answer = await reader.readline()
        assert not await reader.read(), "one answer, and the end"
        return json.loads(answer) if answer else None
    finally:
        writer.close()


def test_a_command_is_answered(tmp_path: Path) -> None:
    async def main() -> None:
        async with controlled(tmp_path):
            asked = {"do": "echo", "key": "k"}
            answer = await ask(tmp_path, json.dumps(asked).encode() + b"\n")
            # As the socket tells, whatever the line says.
            who = f"user {pwd.getpwuid(os.getuid()).pw_name}"
            assert answer == {"is_done": True, "asked": {**asked, "who": who}}
            failed = await ask(tmp_path, b'{"do": "fail"}\n')
            assert failed == {"is_done": False, "error": "failed", "message": "the disk is full"}
            assert stat.S_IMODE((tmp_path / CONTROL).stat().st_mode) == 0o600

    run_on_loop(main)


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"nonsense\n",
        b'{"do": "shutdown"}\n',
        b'{"do": []}\n',
        b"[1]\n",
        b"null\n",
        b"\xff\xfe\n",
        b"x" * (4 * LINE_BYTES_MAX) + b"\n",
    ],
)
def test_what_is_no_command_is_told_so(tmp_path: Path, line: bytes) -> None:
    async def main() -> None:
        async with controlled(tmp_path):
            answer = await ask(tmp_path, line)
            assert answer["error"] == "unknown"
            assert "crash, echo, fail, wait" in answer["message"]

    run_on_loop(main)


def test_who_says_nothing_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_LINE_S_MAX", 0.05)

    async def main() -> None:
        async with controlled(tmp_path):
            assert (await ask(tmp_path, b'{"do": "ec'))["error"] == "unknown"

    run_on_loop(main)


def test_a_fault_of_our_own_is_told_to_both_sides(tmp_path: Path) -> None:
    async def main() -> None:
        faults: list[object] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: faults.append(context["exception"]))
        async with controlled(tmp_path):
            answer = await ask(tmp_path, b'{"do": "crash"}\n')
            assert answer["error"] == "failed"
            assert "canary" not in answer["message"]
            assert [type(fault) for fault in faults] == [RuntimeError]

    run_on_loop(main)


def test_there_is_a_limit_to_those_who_wait(tmp_path: Path) -> None:
    async def main() -> None:
        async with controlled(tmp_path) as go:
            waiting = [
                asyncio.create_task(ask(tmp_path, b'{"do": "wait"}\n'))
                for _ in range(CONNECTIONS_MAX)
            ]
            while (await ask(tmp_path, b'{"do": "echo"}\n')).get("error") != "busy":  # noqa: ASYNC110 - theirs
                await asyncio.sleep(0)
            go.set()
            assert all(answer["is_done"] for answer in await asyncio.gather(*waiting))
            assert (await ask(tmp_path, b'{"do": "echo"}\n'))["is_done"]

    run_on_loop(main)


def test_stopping_cuts_who_waits(tmp_path: Path) -> None:
    async def main() -> None:
        async with controlled(tmp_path):
            waiting = asyncio.create_task(ask(tmp_path, b'{"do": "wait"}\n'))
            await ask(tmp_path, b'{"do": "echo"}\n')
        assert await waiting is None, "no answer, so it asks again"

    run_on_loop(main)


def test_who_leaves_early_breaks_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with controlled(tmp_path):
            for _ in range(20):
                _, writer = await asyncio.open_unix_connection(str(tmp_path / CONTROL))
                writer.write(b'{"do": "echo"}\n')
                writer.transport.abort()
            assert (await ask(tmp_path, b'{"do": "echo"}\n'))["is_done"]

    run_on_loop(main)


def test_a_socket_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    with pytest.raises(StateProblemError, match=r"state\.folder"):
        listen(StateFolder(tmp_path / "none"))
