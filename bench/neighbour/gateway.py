"""A gateway before an engine, and what it says of each call."""

import asyncio
import json
import os
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.load import BenchError
from bench.neighbour.engine import MODEL, SLOTS, Engine
from bench.neighbour.traffic import CHAT, TENANTS

KEYS = {tenant: f"sk-neighbour-{tenant * 4}" for tenant in TENANTS}
_READY_S_MAX = 30.0
_END_S_MAX = 10.0
_LAST_WORDS = 600
_QUEUE_WAIT_S_MAX = 3600
FLOOR: Mapping[str, object] = {"floor_percent": 100 // SLOTS + 1}
"""A lane that can count on one slot, as soon as one comes free."""
KEPT_FREE: Mapping[str, object] = {**FLOOR, "keep_floor_free": True}
"""A lane whose slot nobody else may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A gateway that serves."""

    url: str
    pid: int
    log: Path

    def told(self, since: int) -> list[dict[str, Any]]:
        """Its lines on calls, from that byte of the log on, in the order in which they ended."""
        with self.log.open("rb") as file:
            file.seek(since)
            lines = [json.loads(line) for line in file if line.startswith(b"{")]
        return [line for line in lines if "queue_wait_ms" in line]

    @property
    def log_bytes(self) -> int:
        return self.log.stat().st_size


def configuration(
    engine: Engine, *, chat_lane: Mapping[str, object] | None, more: Mapping[str, object]
) -> dict[str, object]:
    """All tenants weigh the same. `chat_lane` is what is said of the chat's own lane; None: all are in
    one. `more` are further members of the engine's section."""
    default = {"name": "default", "queue_wait_s_max": _QUEUE_WAIT_S_MAX}
    lanes = [default] if chat_lane is None else [{**default, "name": CHAT, **chat_lane}, default]
    section = {
        "name": "engine",
        "kind": engine.kind,
        "url": engine.url,
        "models": [MODEL],
        "window": SLOTS,
    }
    keys = [
        {
            "key": f"env:{_variable(name)}",
            "tenant": name,
            "lane": CHAT if chat_lane is not None and name == CHAT else "default",
        }
        for name in TENANTS
    ]
    return {
        "listen": "127.0.0.1:0",
        "admin": {"listen": "127.0.0.1:0"},
        "engines": [{**section, **more}],
        "tenants": [{"name": name} for name in TENANTS],
        "policy": {"preset": "vtc"},
        "lanes": lanes,
        "keys": keys,
    }


@asynccontextmanager
async def gateway(settings: Mapping[str, object]) -> AsyncIterator[Gateway]:
    """Serves for the length of the block."""
    with tempfile.TemporaryDirectory(prefix="evenhand-neighbour-") as folder:
        file, log = Path(folder, "evenhand.yaml"), Path(folder, "log")
        file.write_text(json.dumps(settings))  # noqa: ASYNC240 - nothing else goes on yet
        process = await _started(file, log)
        try:
            host, port = await _announced(process, log)
            yield Gateway(url=f"http://{host}:{port}", pid=process.pid, log=log)
        finally:
            await _end(process)


async def _started(file: Path, log: Path) -> asyncio.subprocess.Process:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT)
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "evenhand", "serve", str(file), "--announce", "--with-parent"),
            stdin=PIPE,
            stdout=PIPE,
            stderr=descriptor,
            env=os.environ | {_variable(name): key for name, key in KEYS.items()},
        )
    finally:
        os.close(descriptor)


async def _announced(process: asyncio.subprocess.Process, log: Path) -> Sequence[Any]:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_READY_S_MAX):
            told: Sequence[Any] = json.loads(await process.stdout.readline())["listen"]
    except (TimeoutError, json.JSONDecodeError):
        said = log.read_bytes()[-_LAST_WORDS:].decode(errors="replace")  # noqa: ASYNC240
        raise BenchError(f"the gateway did not start: {said}") from None
    return told


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(_END_S_MAX):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _variable(tenant: str) -> str:
    return f"NEIGHBOUR_KEY_{tenant.upper()}"
