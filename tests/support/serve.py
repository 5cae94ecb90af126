"""The real `evenhand serve` as its own process, as an operator starts it.

    async with serving(configuration(url_engine(engine.url)), folder=tmp_path) as served:
        await served.logged("engine", up=True)
        answer = await served.post(CHAT)
        assert await served.stop() == 0

Ports are the system's choice, keys come by environment. Whatever happens in the block, nothing of
the process is left after it: SIGTERM first, then SIGKILL for it and all that it started.
"""

import asyncio
import contextlib
import json
import os
import signal
import ssl
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from support.embedded_engine import small_model_file
from support.raw_http import RawAnswer, RawStream, exchange, open_stream

KEY_A = "sk-serve-key-of-tenant-a-0123456789abcdef"
KEY_B = "sk-serve-key-of-tenant-b-0123456789abcdef"
ADMIN_KEY = "adm-serve-credential-0123456789abcdef"
SECRETS = {"KEY_A": KEY_A, "KEY_B": KEY_B, "ADMIN_KEY": ADMIN_KEY}
"""Environment variables that `configuration` refers to."""

_ANNOUNCE_S_MAX = 30
_STOP_S_MAX = 15
_LOG_S_MAX = 20


def embedded(**more: Any) -> dict[str, Any]:
    """The `engines` entry of a small embedded engine that loads in a moment."""
    small = {"slots": 2, "context_tokens": 512, "threads": 1, "model_file": str(small_model_file())}
    return {"name": "local", "kind": "embedded", "models": ["m"], **small} | more


def url_engine(url: str, **more: Any) -> dict[str, Any]:
    """The `engines` entry of something that serves already."""
    return {"name": "far", "kind": "vllm", "url": url, "models": ["m"], "window": 4} | more


def configuration(*engines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A whole configuration: two tenants, a key each, an admin credential, free ports."""
    return {
        "listen": "127.0.0.1:0",
        "admin": {"listen": "127.0.0.1:0", "credential": "env:ADMIN_KEY"},
        "engines": list(engines),
        "tenants": [{"name": "a"}, {"name": "b"}],
        "keys": [{"key": "env:KEY_A", "tenant": "a"}, {"key": "env:KEY_B", "tenant": "b"}],
    } | more


class Served:
    """Handles on a gateway process that has announced itself."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.host = self.admin_host = ""
        self.port = self.admin_port = 0
        self.tls: ssl.SSLContext | None = None
        """With what its clients connect, on either listener; the test sets it."""
        self.raw_stderr: list[bytes] = []
        """Every line of standard error so far."""
        self.raw_stdout: list[bytes] = []
        self._came = asyncio.Event()

    @property
    def base_url(self) -> str:
        """What an OpenAI client is given."""
        return f"http://{self.host}:{self.port}/v1"

    @property
    def admin_url(self) -> str:
        return f"http://{self.admin_host}:{self.admin_port}"

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The structured log so far. Any other line on standard error is left out."""
        return [json.loads(line) for line in self.raw_stderr if line.startswith(b"{")]

    @property
    def output(self) -> str:
        """All that the process wrote anywhere."""
        return b"".join([*self.raw_stdout, *self.raw_stderr]).decode(errors="replace")

    async def logged(self, event: str, count: int = 1, **fields: Any) -> dict[str, Any]:
        """Wait for the `count`-th log line of that event with those fields."""
        async with asyncio.timeout(_LOG_S_MAX):
            while True:
                self._came.clear()
                found = [line for line in self.lines if _is(line, event, fields)]
                if len(found) >= count:
                    return found[count - 1]
                await self._came.wait()

    async def post(
        self,
        body: Any,
        *,
        key: str = KEY_A,
        path: str = "/v1/chat/completions",
        headers: Mapping[str, str] | None = None,
    ) -> RawAnswer:
        """One whole exchange with the data listener."""
        head = _head("POST", path, key, headers)
        return await exchange(self.host, self.port, head, _bytes(body), tls=self.tls)

    async def stream(self, body: dict[str, Any], *, key: str = KEY_A) -> RawStream:
        """Send a streamed chat and return as soon as it is written; the caller reads or leaves."""
        head = _head("POST", "/v1/chat/completions", key, None)
        whole = _bytes(body | {"stream": True})
        return await open_stream(self.host, self.port, head, whole, tls=self.tls)

    async def get(self, path: str, *, key: str = KEY_A) -> RawAnswer:
        head = _head("GET", path, key, None)
        return await exchange(self.host, self.port, head, b"", tls=self.tls)

    async def admin(
        self,
        path: str,
        *,
        key: str = ADMIN_KEY,
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> RawAnswer:
        head = _head(method, path, key, {"Connection": "close", **(headers or {})})
        data = b"" if body is None else _bytes(body)
        return await exchange(self.admin_host, self.admin_port, head, data, tls=self.tls)

    async def admin_put(self, path: str, body: Any, *, key: str = ADMIN_KEY) -> RawAnswer:
        """Ask the admin listener for a change."""
        head = _head("PUT", path, key, {"Connection": "close"})
        return await exchange(self.admin_host, self.admin_port, head, _bytes(body), tls=self.tls)

    def children(self) -> list[int]:
        """Process ids of what it has started and not reaped."""
        found: list[int] = []
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            found += [int(pid) for pid in (thread / "children").read_text().split()]
        return found

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    async def ended(self) -> int:
        """The exit code, once it has ended and its output is read."""
        async with asyncio.timeout(_STOP_S_MAX):
            code = await self.process.wait()
            while not self._is_read:
                self._came.clear()
                await self._came.wait()
            return code

    async def stop(self) -> int:
        """Ask it to end as a service manager does; the exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended()

    async def read_announcement(self) -> None:
        assert self.process.stdout is not None
        async with asyncio.timeout(_ANNOUNCE_S_MAX):
            line = await self.process.stdout.readline()
        assert line, f"it ended before it served: {self.output}"
        announced = json.loads(line)
        self.raw_stdout.append(line)
        self.host, self.port = announced["listen"]
        self.admin_host, self.admin_port = announced["admin"]
        assert announced["pid"] == self.process.pid

    _is_read = False

    async def read_stderr(self) -> None:
        assert self.process.stderr is not None
        try:
            async for line in self.process.stderr:
                self.raw_stderr.append(line)
                self._came.set()
        finally:
            self._is_read = True
            self._came.set()


@asynccontextmanager
async def serving(
    config: dict[str, Any],
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
) -> AsyncIterator[Served]:
    """Run it for the length of the block, from its announcement on."""
    file = folder / "evenhand.yaml"
    file.write_text(json.dumps(config))
    process = await spawn("serve", str(file), "--announce", *options, environment=environment)
    served = Served(process)
    reading = asyncio.create_task(served.read_stderr())
    try:
        await served.read_announcement()
        yield served
    finally:
        await end(process)
        await reading


async def spawn(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    stdin: int = DEVNULL,
    stdout: int = PIPE,
) -> Process:
    """`evenhand ARGUMENTS` in a session of its own. The caller owes it `end`."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "evenhand", *arguments),
        stdin=stdin,
        stdout=stdout,
        stderr=PIPE,
        env={**os.environ, **SECRETS, **(environment or {})},
        start_new_session=True,
        limit=1 << 20,
    )


async def end(process: Process) -> None:
    """See that nothing of it is left, whatever state it is in."""
    if process.returncode is None:
        process.terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_S_MAX):
                await process.wait()
    # What it started is of its session.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def gone(pid: int) -> None:
    """Wait until that process, which need not be a child of ours, has ended."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(pidfd, ended.set)
    try:
        async with asyncio.timeout(_STOP_S_MAX):
            await ended.wait()
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)


def _is(line: dict[str, Any], event: str, fields: Mapping[str, Any]) -> bool:
    return line["event"] == event and all(line.get(name) == fields[name] for name in fields)


def _head(method: str, path: str, key: str, headers: Mapping[str, str] | None) -> str:
    lines = [f"{method} {path} HTTP/1.1", "Host: gateway", f"Authorization: Bearer {key}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in (headers or {}).items())])


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()
