"""A real `evenhand serve` for one phase: a process of its own, as in production."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from evenhand.cli.demo.options import DemoError

_READY_S_MAX = 30.0
_STOP_S_MAX = 10.0
_LOG_BYTES_SHOWN = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoEngine:
    """The engine behind every phase's gateway."""

    kind: str
    url: str
    model: str
    window: int


@asynccontextmanager
async def gateway_process(
    preset: str, engine: DemoEngine, keys: Mapping[str, str]
) -> AsyncIterator[str]:
    """Serve with that preset; gives the base URL. The process ends with the context, and with us.

    Raises DemoError if it does not come up.
    """
    with _Files(_configuration(preset, engine, keys)) as files:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "evenhand", "serve", files.configuration),
            *("--announce", "--with-parent"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=files.log,
            env=os.environ | {_variable(tenant): key for tenant, key in keys.items()},
        )
        try:
            yield await _base_url(process, files)
        finally:
            await _stop(process)


class _Files:
    """The configuration and the log of one gateway; gone with the context."""

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="evenhand-demo-")
        file = Path(self._folder.name, "evenhand.yaml")
        file.write_text(yaml.safe_dump(configuration))
        self.configuration = str(file)
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the context of this class

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.log.close()
        self._folder.cleanup()

    def log_end(self) -> str:
        """The last of what the gateway said."""
        self.log.seek(0)
        return self.log.read()[-_LOG_BYTES_SHOWN:].decode(errors="replace")


async def _base_url(process: asyncio.subprocess.Process, files: _Files) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_READY_S_MAX):
            line = await process.stdout.readline()
    except TimeoutError:
        line = b""
    if not line:
        raise DemoError(f"the gateway did not start; it said: {files.log_end() or 'nothing'}")
    host, port = json.loads(line)["listen"]
    return f"http://{host}:{port}"


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_S_MAX):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
    assert process.stdin is not None
    process.stdin.close()


def _variable(tenant: str) -> str:
    return f"EVENHAND_DEMO_KEY_{tenant.upper()}"


def _configuration(preset: str, engine: DemoEngine, keys: Mapping[str, str]) -> dict[str, Any]:
    """All tenants of equal weight and of one trust domain, so that an agent's chain may reuse its
    prompts on engines without cache salts."""
    return {
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
        "tenants": [{"name": tenant} for tenant in keys],
        "policy": {"preset": preset},
        "lanes": [{"name": "default", "queue_wait_s_max": 900}],
        "limits": {"drain_s": 1},
        "keys": [
            {"key": f"env:{_variable(tenant)}", "tenant": tenant, "trust_domain": "demo"}
            for tenant in keys
        ],
    }
