"""Over HTTP, all of it real: clients, `evenhand serve`, vLLM's server with the core inside, a model.

What the core inside was told is read from the log that it writes, and compared with what clients and
gateway were told.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from evenhand.model import Outcome, TenantPath
from evenhand.stores.event_log import replay_file
from evenhand.stores.event_log.event_form import call_of
from evenhand.stores.event_log.lines import LogLines
from support.on_loop import run_on_loop
from support.raw_http import RawAnswer, exchange
from support.serve import KEY_A, KEY_B, SECRETS, Served, configuration, serving, url_engine
from support.vllm_server import MODEL, READY_S_MAX, vllm_server

SECRET = "a-secret-of-gateway-and-engine-0123456789"
SEATS = 2
FORGED = {"evenhand_tenant": "b", "evenhand_seal": "00" * 32}
UNITS = {"input": 10, "cached": 1, "output": 20}


@dataclass
class Inside:
    """What a log of the core inside says."""

    tenants: dict[str, TenantPath]
    outcomes: dict[str, Outcome]
    units: dict[TenantPath, int]
    """What each tenant was charged for those that have completed."""


def read_log(path: Path) -> Inside:
    inside = Inside({}, {}, {})
    lines = LogLines(path)
    for _, form in lines:
        method, arguments, answer = call_of(form)
        if method == "submit":
            request = arguments["request"]
            inside.tenants[request.id] = request.tenant
        elif method == "settle":
            name = arguments["request_id"]
            inside.outcomes[name] = arguments["outcome"]
            if arguments["outcome"] is Outcome.COMPLETED:
                tenant = inside.tenants[name]
                inside.units[tenant] = inside.units.get(tenant, 0) + answer[3]
    lines.close()
    return inside


def asked(text: str, tokens: int) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"model": MODEL, "messages": messages, "max_tokens": tokens, "ignore_eos": True}


def units(usage: Mapping[str, Any]) -> int:
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    new, out = usage["prompt_tokens"] - cached, usage["completion_tokens"]
    return int(new * UNITS["input"] + cached * UNITS["cached"] + out * UNITS["output"])


async def ask_engine(url: str, body: dict[str, Any]) -> RawAnswer:
    """Past the gateway."""
    place = urlsplit(url)
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: vllm\r\nContent-Type: application/json"
    assert place.hostname is not None
    assert place.port is not None
    return await exchange(place.hostname, place.port, head, json.dumps(body).encode())


async def engine_is_idle(url: str) -> None:
    place = urlsplit(url)
    head = "GET /metrics HTTP/1.1\r\nHost: vllm\r\nConnection: close"
    async with asyncio.timeout(60):
        while True:
            page = (await exchange(place.hostname or "", place.port or 0, head, b"")).body.decode()
            lines = (line.split() for line in page.splitlines())
            shown = {
                line[0].split("{")[0]: float(line[-1])
                for line in lines
                if line and line[0].startswith("vllm:num_requests_")
            }
            if not shown["vllm:num_requests_running"] and not shown["vllm:num_requests_waiting"]:
                return
            await asyncio.sleep(0.2)


async def two_tenants(gateway: Served) -> dict[TenantPath, int]:
    """Both ask more than there are seats. What each was told that it has used, in units."""
    text = (
        "a question that begins as all others, and goes on for a while, so that it fills a block: "
    )
    asking = [
        gateway.post(asked(f"{text * 3}{key} {number}", tokens), key=key)
        for number in range(6)
        for key, tokens in ((KEY_A, 24), (KEY_B, 12))
    ]
    answers = await asyncio.gather(*asking)
    assert {answer.status for answer in answers} == {200}, [answer.body for answer in answers]
    used = [units(answer.json["usage"]) for answer in answers]
    assert all(answer.json["usage"]["completion_tokens"] in (12, 24) for answer in answers)
    return {("a",): sum(used[::2]), ("b",): sum(used[1::2])}


async def leaves(gateway: Served, url: str) -> None:
    """A client goes away amid an answer that would take long: the engine stops."""
    stream = await gateway.stream(asked("go on and on", 1800))
    while b"content" not in (await stream.event() or b"content"):
        pass
    stream.leave()
    await engine_is_idle(url)


@pytest.mark.timeout(READY_S_MAX + 300)
def test_the_core_inside_is_told_by_the_gateway_and_by_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "inside.jsonl"
    monkeypatch.setenv("EVENHAND_HINTS", SECRET)
    settings = {"hints_secret": "env:EVENHAND_HINTS", "event_log": str(log)}
    options = (
        # Else its front end kills the core, and what the log has not on disk is lost.
        *("--max-num-seqs", str(SEATS), "--shutdown-timeout", "60"),
        *("--scheduler-cls", "evenhand.inengine.vllm.FairScheduler"),
        *("--additional-config", json.dumps({"evenhand": settings})),
    )
    used: dict[TenantPath, int] = {}

    async def main() -> None:
        async with vllm_server(tmp_path, *options) as url:
            engine = url_engine(
                url,
                models=[MODEL],
                window=3 * SEATS,
                fair_scheduler=True,
                hints_secret="env:EVENHAND_HINTS",
            )
            environment = {**SECRETS, "EVENHAND_HINTS": SECRET}
            async with serving(
                configuration(engine), folder=tmp_path, environment=environment
            ) as gateway:
                await gateway.logged("engine", up=True)
                used.update(await two_tenants(gateway))
                await leaves(gateway, url)
                own = await gateway.post(asked("whose?", 3) | {"vllm_xargs": FORGED})
                if own.status == 200:
                    used["a",] += units(own.json["usage"])
                assert own.status in (200, 400)
            forged = await ask_engine(url, asked("whose is this?", 5) | {"vllm_xargs": FORGED})
            assert forged.status == 200, forged.body
            used["anonymous",] = units(forged.json["usage"])

    run_on_loop(main, limit_s=READY_S_MAX + 240)
    replayed = replay_file(log)
    assert replayed.difference is None
    inside = read_log(log)
    assert inside.units == used
    assert Outcome.CANCELLED_RUNNING in inside.outcomes.values()
    assert len(inside.outcomes) == len(inside.tenants)
