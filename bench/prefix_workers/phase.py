"""One policy for some seconds: a gateway process before its engines, and its clients."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from bench.prefix_workers.arms import Arm
from bench.prefix_workers.traffic import MODEL, Traffic
from evenhand.cli.demo.exchange import exchange
from evenhand.cli.demo.record import End, Record
from evenhand.engines.http import ClientSettings, EngineAddress, EngineClient

_READY_S_MAX = 60.0
_PATIENT = ClientSettings(first_byte_timeout_ms=600_000, silence_timeout_ms=600_000)
_DOMAIN = "house"
"""llama.cpp has no cache salts: prompts are reused while all tenants are of one trust domain."""


class PhaseError(Exception):
    """It could not be measured; the text says why."""


async def phase(
    arm: Arm,
    traffic: Traffic,
    engines: Sequence[dict[str, Any]],
    folder: Path,
    *,
    seconds: float,
    seed: int,
) -> list[Record]:
    """What the requests saw that were sent in so many seconds. Raises PhaseError."""
    keys = {tenant: f"sk-bench-{tenant:-<24}" for tenant in traffic.tenants}
    async with _gateway(arm, keys, engines, folder) as url:
        clients = {
            tenant: EngineClient(
                EngineAddress.parse(url), _PATIENT, headers=(("authorization", f"Bearer {key}"),)
            )
            for tenant, key in keys.items()
        }
        try:
            return await _drive(clients, traffic, seconds=seconds, seed=seed)
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures
        finally:
            for client in clients.values():
                await client.close()


async def _drive(
    clients: Mapping[str, EngineClient], traffic: Traffic, *, seconds: float, seed: int
) -> list[Record]:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    records: list[Record] = []  # bounded by the seconds that it runs

    def now_s() -> float:
        return loop.time() - begun

    async def keep_asking(tenant: str, bodies: Iterator[bytes]) -> None:
        for body in bodies:
            record = Record(
                tenant=tenant,
                prompt_characters=len(body),
                output_tokens_max=traffic.output_tokens,
                sent_at=now_s(),
            )
            records.append(record)
            await exchange(clients[tenant], body, record, clock=now_s)
            if record.end is not End.DONE:
                raise PhaseError(f"a request of {tenant} failed: {record.trouble}")

    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            for tenant, count in traffic.outstanding.items():
                bodies = traffic.bodies(tenant, seed=seed)  # each takes the next of all
                for _ in range(count):
                    group.create_task(keep_asking(tenant, bodies))
    return records


def configuration(
    arm: Arm, tenants: Mapping[str, str], engines: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """The gateway's; `tenants` names the environment variable of each one's key."""
    return {
        "listen": "127.0.0.1:0",
        "admin": {"listen": "127.0.0.1:0"},
        "engines": [
            {"name": f"e{number}", "models": [MODEL], "window": arm.window, **engine}
            for number, engine in enumerate(engines)
        ],
        "tenants": [{"name": name} for name in tenants],
        "policy": arm.policy,
        "lanes": [{"name": "default", "queue_wait_s_max": 3_600}],
        "keys": [
            {"key": f"env:{variable}", "tenant": name, "trust_domain": _DOMAIN}
            for name, variable in tenants.items()
        ],
    }


@asynccontextmanager
async def _gateway(
    arm: Arm, keys: Mapping[str, str], engines: Sequence[dict[str, Any]], folder: Path
) -> AsyncIterator[str]:
    variables = {name: f"BENCH_KEY_{name.upper()}" for name in keys}
    file, log = folder / "evenhand.yaml", folder / "gateway.log"
    file.write_text(json.dumps(configuration(arm, variables, engines)))
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "evenhand", "serve", str(file), "--announce", "--with-parent"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=said,
            env=os.environ | {variables[name]: key for name, key in keys.items()},
        )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_READY_S_MAX):
            line = await process.stdout.readline()
        if not line:
            raise PhaseError(f"the gateway did not start: {log.read_text()[-500:]}")
        host, port = json.loads(line)["listen"]
        yield f"http://{host}:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
