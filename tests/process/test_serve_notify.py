"""What a service manager hears, over a real datagram socket."""

import asyncio
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from evenhand.cli.notify import READY, notify, reloading
from support.on_loop import run_on_loop
from support.serve import configuration, serving, url_engine


@contextmanager
def service_manager(name: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + name[1:] if name.startswith("@") else name)
        listening.settimeout(20)
        yield listening


@pytest.mark.parametrize("is_abstract", [True, False])
def test_a_state_is_one_datagram(tmp_path: Path, is_abstract: bool) -> None:
    name = f"@evenhand-test-{time.monotonic_ns()}" if is_abstract else str(tmp_path / "notify")
    with service_manager(name) as manager:
        notify(READY, {"NOTIFY_SOCKET": name})
        assert manager.recv(100) == b"READY=1"
        before_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        notify(reloading(), {"NOTIFY_SOCKET": name})
        state, _, moment = manager.recv(100).partition(b"\n")
        assert state == b"RELOADING=1"
        assert int(moment.removeprefix(b"MONOTONIC_USEC=")) >= before_us


def test_nobody_asked() -> None:
    notify(READY, {})
    notify(READY, {"NOTIFY_SOCKET": ""})


def test_a_socket_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"No such file"):
        notify(READY, {"NOTIFY_SOCKET": str(tmp_path / "none")})


def test_serve_tells_ready_reload_and_stop(tmp_path: Path) -> None:
    async def main() -> None:
        name = str(tmp_path / "notify")
        config = configuration(url_engine("http://127.0.0.1:1"))
        with service_manager(name) as manager:
            environment = {"NOTIFY_SOCKET": name}
            async with serving(config, folder=tmp_path, environment=environment) as served:
                assert await heard(manager) == "READY=1"
                assert (await served.get("/v1/models")).status == 200
                served.signal(signal.SIGHUP)
                assert (await heard(manager)).startswith("RELOADING=1\nMONOTONIC_USEC=")
                assert await heard(manager) == "READY=1"
                served.signal(signal.SIGTERM)
                assert await heard(manager) == "STOPPING=1"
                assert await served.ended() == 0

    run_on_loop(main)


def test_serve_goes_on_where_nobody_listens(tmp_path: Path) -> None:
    async def main() -> None:
        config = configuration(url_engine("http://127.0.0.1:1"))
        environment = {"NOTIFY_SOCKET": str(tmp_path / "none")}
        async with serving(config, folder=tmp_path, environment=environment) as served:
            line = await served.logged("notify_failed", state="READY=1")
            assert "No such file" in line["reason"]
            assert (await served.get("/v1/models")).status == 200

    run_on_loop(main)


async def heard(manager: socket.socket) -> str:
    return (await asyncio.to_thread(manager.recv, 200)).decode()
