"""Stops one of two engines again and again while clients ask, and reads the gateway's log."""

import asyncio
import json
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from bench.neighbour.embedded import embedded
from bench.neighbour.engine import MODEL, Engine
from bench.neighbour.gateway import KEYS, Gateway, gateway
from evenhand.engines.http import AnswerListener, ClientSettings, EngineAddress, EngineClient, Lost

Line = dict[str, Any]
STOPPED, WELL = "stopped", "well"
DEADLINE_S = 3.0
_STOP_S = 8.0
_REJOIN_S_MAX = 20.0
_CLIENTS = 6
_PAUSE_S = 0.3
"""Between an answer and the next request: what is measured hangs on clocks, not on load."""
_WINDOW = 4
_BODY = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "count for me as far as you can"}],
    "max_tokens": 24,
    "stream": True,
}


class _Whole(AnswerListener):
    def __init__(self) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_head(self, status: int, headers: Any) -> None:
        """The log has it."""

    def on_body(self, data: bytes) -> None:
        """The log has what matters of it."""

    def on_end(self) -> None:
        self.over.set_result(None)

    def on_lost(self, reason: Lost) -> None:
        del reason
        self.over.set_result(None)


def configuration(stopped: Engine, well: Engine) -> dict[str, object]:
    engines = [
        {"name": name, "kind": engine.kind, "url": engine.url, "models": [MODEL], "window": _WINDOW}
        for name, engine in ((STOPPED, stopped), (WELL, well))
    ]
    return {
        "listen": "127.0.0.1:0",
        "admin": {"listen": "127.0.0.1:0"},
        "engines": engines,
        "tenants": [{"name": name} for name in KEYS],
        "keys": [{"key": f"env:NEIGHBOUR_KEY_{name.upper()}", "tenant": name} for name in KEYS],
        "limits": {"first_byte_timeout_s": DEADLINE_S, "chunk_timeout_s": DEADLINE_S},
    }


async def rounds(count: int, seed: int) -> list[dict[str, Any]]:
    """The figures of each round."""
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    async with (
        embedded() as stopped,
        embedded() as well,
        gateway(configuration(stopped, well)) as served,
        _asking(served),
    ):
        await asyncio.sleep(3)
        return [await _round(served, stopped.pid, chance) for _ in range(count)]


async def _round(served: Gateway, pid: int, chance: random.Random) -> dict[str, Any]:
    await asyncio.sleep(2 + chance.random())
    since = served.log_bytes
    os.kill(pid, signal.SIGSTOP)
    stopped_s = time.time()
    try:
        await asyncio.sleep(_STOP_S)
    finally:
        os.kill(pid, signal.SIGCONT)
    continued_s = time.time()
    while not _served_since(_lines(served, since), continued_s):
        if time.time() > continued_s + _REJOIN_S_MAX:
            break
        await asyncio.sleep(0.1)
    return figures(_lines(served, since), stopped_s, continued_s)


def figures(lines: Sequence[Line], stopped_s: float, continued_s: float) -> dict[str, Any]:
    """Of one round, from the log."""
    found = [
        line
        for line in lines
        if (line.get("engine") == STOPPED and (line["event"], line.get("up")) == ("engine", False))
        or (line["event"], line.get("state")) == ("circuit", "open")
    ]
    asked = [line for line in lines if line["event"] == "request"]
    broken = [
        line
        for line in asked
        if line["outcome"] != "completed" and _at(line) < continued_s + DEADLINE_S
    ]
    back = _served_since(lines, continued_s)
    return {
        "found_s": round(_at(found[0]) - stopped_s, 3) if found else None,
        "found_by": found[0]["event"] if found else None,
        "broken": len(broken),
        "last_broken_s": round(max(map(_at, broken)) - stopped_s, 3) if broken else None,
        "served_by_the_other": sum(
            line["outcome"] == "completed" and line["engine"] == WELL for line in asked
        ),
        "rejoined_s": round(back[0] - continued_s, 3) if back else None,
    }


def _served_since(lines: Sequence[Line], since_s: float) -> list[float]:
    """When requests were sent to the engine after that moment that it has completed."""
    begun = [
        _at(line) - (line["duration_ms"] - line["queue_wait_ms"]) / 1000
        for line in lines
        if line["event"] == "request"
        and line["engine"] == STOPPED
        and line["outcome"] == "completed"
    ]
    return sorted(begin_s for begin_s in begun if begin_s > since_s)


def _lines(served: Gateway, since: int) -> list[Line]:
    with served.log.open("rb") as file:
        file.seek(since)
        return [json.loads(line) for line in file if line.startswith(b"{") and line.endswith(b"\n")]


def _at(line: Line) -> float:
    return datetime.fromisoformat(line["time"]).timestamp()


@asynccontextmanager
async def _asking(served: Gateway) -> AsyncIterator[None]:
    """Clients that ask one request after the other, for the length of the block."""
    key = next(iter(KEYS.values()))
    client = EngineClient(
        EngineAddress.parse(served.url),
        ClientSettings(),
        headers=[("authorization", f"Bearer {key}")],
    )
    asking = [asyncio.create_task(_ask_on(client)) for _ in range(_CLIENTS)]
    try:
        yield
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await client.close()


async def _ask_on(client: EngineClient) -> None:
    body = json.dumps(_BODY).encode()
    headers = [("content-type", "application/json")]
    while True:
        listener = _Whole()
        attempt = client.post("/v1/chat/completions", body, headers, listener)
        try:
            await listener.over
        finally:
            attempt.abort()
        await asyncio.sleep(_PAUSE_S)
