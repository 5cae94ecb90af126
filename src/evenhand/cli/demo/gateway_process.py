"""Starts a gateway with one policy in a process of its own, by `evenhand serve`.

The child ends with its standard input, so that a demo that is killed leaves no gateway behind.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from evenhand.cli.config import Policy
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


def configuration(engine: EngineBehind, *, policy: Policy, tenants: Mapping[str, str]) -> bytes:
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
            "policy": policy.model_dump(),
            "lanes": [{"name": "default", "queue_wait_s_max": _QUEUE_WAIT_S_MAX}],
            "keys": [
                {"key": f"env:{variable}", "tenant": name} for name, variable in tenants.items()
            ],
        }
    )


@asynccontextmanager
async def gateway_process(
    engine: EngineBehind, *, policy: Policy, keys: Mapping[str, str]
) -> AsyncIterator[str]:
    """A gateway that serves; gives its base URL, ends the process at the end. Raises DemoError."""
    variables = {name: f"EVENHAND_DEMO_KEY_{number}" for number, name in enumerate(keys)}
    with tempfile.TemporaryDirectory(prefix="evenhand-demo-") as folder:
        log = Path(folder, "gateway.log")
        process = await _start(
            _written(folder, configuration(engine, policy=policy, tenants=variables)),
            log,
            environment={variables[name]: key for name, key in keys.items()},
        )
        try:
            yield await _base_url(process, log)
        finally:
            await _end(process)


def _written(folder: str, text: bytes) -> Path:
    file = Path(folder, "gateway.yaml")
    file.write_bytes(text)
    return file


async def _start(
    file: Path, log: Path, *, environment: Mapping[str, str]
) -> asyncio.subprocess.Process:
    log_descriptor = os.open(log, os.O_WRONLY | os.O_CREAT)
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "evenhand", "serve", str(file), "--announce", "--with-parent"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log_descriptor,
            env=os.environ | environment,
        )
    finally:
        os.close(log_descriptor)


async def _base_url(process: asyncio.subprocess.Process, log: Path) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_READY_S_MAX):
            announcement = await process.stdout.readline()
        host, port = orjson.loads(announcement)["listen"]
    except (TimeoutError, orjson.JSONDecodeError):
        raise DemoError(f"the gateway did not start; it said: {_last_words(log)}") from None
    return f"http://{host}:{port}"


def _last_words(log: Path) -> str:
    said = log.read_bytes()[-_LOG_TAIL_BYTES:].decode("utf-8", "replace")
    return said.strip() or "nothing"


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
