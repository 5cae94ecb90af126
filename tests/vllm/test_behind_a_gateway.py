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

import pytest

from evenhand.model import Outcome, TenantPath
from evenhand.stores.event_log import replay_file
from evenhand.stores.event_log.event_form import call_of
from evenhand.stores.event_log.lines import LogLines
from support.gpu_time import check_gpu_time
from support.on_loop import run_on_loop
from support.serve import KEY_A, KEY_B, SECRETS, Served, configuration, serving, url_engine
from support.vllm_asking import ask_engine, asked, engine_is_idle
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


def units(usage: Mapping[str, Any]) -> int:
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    new, out = usage["prompt_tokens"] - cached, usage["completion_tokens"]
    return int(new * UNITS["input"] + cached * UNITS["cached"] + out * UNITS["output"])


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


async def gpu_time_is_exact(gateway: Served) -> None:
    """What both tenants had is told from inside, and is of the order of what they asked for."""
    lines: dict[str, Any] = {}
    async with asyncio.timeout(60):
        while not lines.keys() >= {"a", "b"}:
            await asyncio.sleep(3)  # it is told every second, and written every five
            page = await gateway.admin("/api/v1/gpu-time?by=tenant")
            lines = {line["group"]["tenant"]: line for line in page.json["lines"]}
    assert lines["a"]["exact_us"] > lines["b"]["exact_us"] > 0, lines
    # Beside what was before the first reading of the file, nothing is left to be estimated.
    assert lines["a"]["estimated_us"] + lines["b"]["estimated_us"] == 0, lines


@pytest.mark.timeout(READY_S_MAX + 300)
def test_the_core_inside_is_told_by_the_gateway_and_by_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "inside.jsonl"
    monkeypatch.setenv("EVENHAND_HINTS", SECRET)
    times = tmp_path / "gpu-time.json"
    settings = {
        "hints_secret": "env:EVENHAND_HINTS",
        "event_log": str(log),
        "gpu_time_file": str(times),
    }
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
                gpu_time_file=str(times),
            )
            environment = {**SECRETS, "EVENHAND_HINTS": SECRET}
            async with serving(
                configuration(engine, state={"folder": "state"}),
                folder=tmp_path,
                environment=environment,
            ) as gateway:
                await gateway.logged("engine", up=True)
                await gateway.logged("gpu_time_file", read=True)
                used.update(await two_tenants(gateway))
                await leaves(gateway, url)
                own = await gateway.post(asked("whose?", 3) | {"vllm_xargs": FORGED})
                if own.status == 200:
                    used["a",] += units(own.json["usage"])
                assert own.status in (200, 400)
                await gpu_time_is_exact(gateway)
            forged = await ask_engine(url, asked("whose is this?", 5) | {"vllm_xargs": FORGED})
            assert forged.status == 200, forged.body
            used["anonymous",] = units(forged.json["usage"])

    run_on_loop(main, limit_s=READY_S_MAX + 240)
    replayed = replay_file(log)
    assert replayed.difference is None
    check_gpu_time(tmp_path / "state" / "evenhand.db", gpus=1)
    inside = read_log(log)
    assert inside.units == used
    assert Outcome.CANCELLED_RUNNING in inside.outcomes.values()
    assert len(inside.outcomes) == len(inside.tenants)
