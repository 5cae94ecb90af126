"""A disk that is full, and one that turns read-only: the ledger says so, and goes on when it can.

Needs the right to mount a small tmpfs; skipped where there is none.
"""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.ledger import check_books, resolutions
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import KEY_A, KEY_B, Served, configuration, serving, url_engine

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello there"}], "max_tokens": 8}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = _mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk))
    if mounted.returncode:
        pytest.skip(f"no right to mount a tmpfs here: {mounted.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def _mount(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["mount", *arguments],
        check=False,
        capture_output=True,
        text=True,
    )


def config_on(disk: Path, engine: ScriptedEngine) -> dict[str, Any]:
    return configuration(
        url_engine(engine.url),
        state={"folder": str(disk / "state"), "commit_timeout_s": 1},
        keys=[
            {"key": "env:KEY_A", "tenant": "a", "limits": {"tokens_max": 10**9}},
            {"key": "env:KEY_B", "tenant": "b"},
        ],
    )


async def until_refused(served: Served) -> None:
    """Ask under a budget until the ledger is closed."""
    async with asyncio.timeout(20):
        while (answer := await served.post(CHAT, key=KEY_A)).status == 200:
            pass
    # The commit that failed was for the hold, or for the settlement of an answer already made.
    assert answer.json["error"]["code"] in {"ledger_closed", "not_recorded"}


async def closed_and_open_again(served: Served, mend: Any) -> int:
    """From a closed ledger to an open one; requests that were served meanwhile."""
    closed = await served.logged("ledger", open=False)
    assert closed["reason"]
    refused = await served.post(CHAT, key=KEY_A)
    assert (refused.status, refused.json["error"]["code"]) == (503, "ledger_closed")
    ready = await served.admin("/readyz")
    assert ready.status == 503
    assert [reason["condition"] for reason in ready.json["reasons"]] == ["ledger_closed"]
    served_meanwhile = 20
    for _ in range(served_meanwhile):
        assert (await served.post(CHAT, key=KEY_B)).status == 200, "nobody else has to suffer"
    mend()
    await served.logged("ledger", open=True)
    assert (await served.admin("/readyz")).status == 200
    assert (await served.post(CHAT, key=KEY_A)).status == 200
    return served_meanwhile


def test_a_full_disk_closes_the_ledger_until_there_is_space(
    small_disk: Path, tmp_path: Path
) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(tokens=4)
            async with serving(config_on(small_disk, engine), folder=tmp_path) as served:
                await served.logged("engine", up=True)
                assert (await served.post(CHAT, key=KEY_B)).status == 200
                ballast = small_disk / "ballast"
                _fill(ballast)
                await until_refused(served)
                await closed_and_open_again(served, ballast.unlink)
                asked = len(engine.requests)
                assert await served.stop() == 0
            _everything_is_there(small_disk, asked)

    run_on_loop(main)


def test_a_disk_that_turns_read_only_closes_the_ledger(small_disk: Path, tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            async with serving(config_on(small_disk, engine), folder=tmp_path) as served:
                await served.logged("engine", up=True)
                # A file that is open for writing keeps a mount from turning read-only; a limit on
                # the size of files fails the same writes.
                _limit_file_size(served.process.pid, 1)
                await until_refused(served)
                await closed_and_open_again(
                    served, lambda: _limit_file_size(served.process.pid, None)
                )
                asked = len(engine.requests)
                assert await served.stop() == 0
            _everything_is_there(small_disk, asked)

    run_on_loop(main)


def test_a_gateway_does_not_start_on_a_read_only_disk(small_disk: Path, tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            config = config_on(small_disk, engine)
            async with serving(config, folder=tmp_path) as served:
                assert await served.stop() == 0
            assert _mount("-o", "remount,ro", str(small_disk)).returncode == 0
            with pytest.raises(AssertionError, match=r"mend its owner and mode|disk and rights"):
                async with serving(config, folder=tmp_path):
                    pass

    run_on_loop(main)


def _fill(ballast: Path) -> None:
    """Leave no byte: in smaller and smaller pieces."""
    with ballast.open("wb", buffering=0) as file:
        for size in (65_536, 4_096, 512, 1):
            while True:
                try:
                    file.write(b"x" * size)
                except OSError:
                    break


def _limit_file_size(pid: int, limit: int | None) -> None:
    value = "unlimited:" if limit is None else f"{limit}:"
    subprocess.run(["prlimit", f"--pid={pid}", f"--fsize={value}"], check=True)


def _everything_is_there(disk: Path, asked: int) -> None:
    database = disk / "state" / "evenhand.db"
    check_books(database)
    settled = [
        transfers
        for transfers in resolutions(database).values()
        if transfers[1]["kind"] == "settle"
    ]
    assert len(settled) == asked, "what was served while the disk was full is booked too"
