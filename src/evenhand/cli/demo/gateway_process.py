"""Starts a gateway with one policy in a process of its own, as `evenhand serve` would run."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from evenhand.cli.demo.options import DemoError

_READY_S_MAX = 30.0
_END_S_MAX = 5.0
_QUEUE_WAIT_S_MAX = 3_600
_LOG_TAIL_BYTES = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineBehind:
    """Where the gateway finds its engine; `kind` and `window` as in the configuration."""

    url: str
    kind: str
    model: str
    window: int


def configuration(engine: EngineBehind, *, preset: str, tenants: Mapping[str, str]) -> bytes:
    """The gateway's configuration (JSON is YAML too). `tenants` names the environment variable
    that holds each one's key; all weigh the same."""
    return orjson.dumps(
        {
            "listen": "127.0.0.1:0",
            "admin": {"listen": "127.0.0.1:0"},
            "engines": [
                {
                    "name": "demo",
                    "kind": engine.kind,
                    "url": engine.url,
                    "models": [engine.model],
                    "window": engine.window,
                }
            ],
            "tenants": [{"name": name} for name in tenants],
            "policy": {"preset": preset},
            "lanes": [{"name": "default", "queue_wait_s_max": _QUEUE_WAIT_S_MAX}],
            "keys": [
                {"key": f"env:{variable}", "tenant": name} for name, variable in tenants.items()
            ],
        }
    )


@asynccontextmanager
async def gateway_process(
    engine: EngineBehind, *, preset: str, keys: Mapping[str, str]
) -> AsyncIterator[str]:
    """A gateway that serves; gives its base URL, ends the process at the end. Raises DemoError."""
    variables = {name: f"EVENHAND_DEMO_KEY_{number}" for number, name in enumerate(keys)}
    with tempfile.TemporaryDirectory(prefix="evenhand-demo-") as folder:
        file = Path(folder, "gateway.yaml")
        file.write_bytes(configuration(engine, preset=preset, tenants=variables))
        log = Path(folder, "gateway.log")
        with log.open("wb") as log_stream:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "evenhand.cli.demo.gateway_child", str(file)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log_stream,
                env=os.environ | {variables[name]: key for name, key in keys.items()},
            )
        try:
            yield await _base_url(process, log)
        finally:
            await _end(process)


async def _base_url(process: asyncio.subprocess.Process, log: Path) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_READY_S_MAX):
            announcement = await process.stdout.readline()
        host, port = orjson.loads(announcement)["listen"]
    except (TimeoutError, orjson.JSONDecodeError):
        said = log.read_bytes()[-_LOG_TAIL_BYTES:].decode("utf-8", "replace").strip()
        raise DemoError(f"the gateway did not start; it said: {said or 'nothing'}") from None
    return f"http://{host}:{port}"


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_END_S_MAX):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
