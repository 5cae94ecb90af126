"""One set of figures, as each of those who tell them tells it."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from support.engine_request import EngineRequest
from support.serve import Served, spawn

NOT_REFUSED = {"completed", "cancelled_queued", "cancelled_running", "slow_reader"}


@dataclass(frozen=True)
class Told:
    """Since the gateway began. None: it does not tell that."""

    ended: int
    input_tokens: int
    output_tokens: int
    refused: int | None = None
    units: dict[str, int] | None = None


def by_sample(sample: dict[str, Any]) -> Told:
    """Of `/api/v1/samples`, `/api/v1/live` and `evenhand top --json`."""
    counts = sample["counts"]
    return Told(
        counts["ended"],
        counts["input_tokens"],
        counts["output_tokens"],
        counts["refused"],
        {tenant["path"]: tenant["units_total"] for tenant in sample["tenants"]},
    )


def by_prometheus(page: str) -> Told:
    """Of `/metrics`."""
    values: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(page):
        for one in family.samples:
            values.setdefault(one.name, []).append((one.labels, one.value))
    requests, tokens = values["evenhand_requests_total"], values["evenhand_tokens_total"]
    return Told(
        int(sum(value for _, value in requests)),
        int(sum(v for labels, v in tokens if labels["kind"] in ("input", "cached_input"))),
        int(sum(value for labels, value in tokens if labels["kind"] == "output")),
        int(sum(v for labels, v in requests if labels["outcome"] not in NOT_REFUSED)),
        {
            labels["tenant"]: int(value)
            for labels, value in values["evenhand_tenant_service_units"]
            if labels["tenant"] != "other"
        },
    )


def by_log(lines: Iterable[dict[str, Any]]) -> Told:
    """Of the request log."""
    ended = [line for line in lines if line["event"] == "request"]
    units: dict[str, int] = {}
    for line in ended:
        path = "/".join(line["tenant"])
        units[path] = units.get(path, 0) + line["units"]
    return Told(
        len(ended),
        sum(line["input_tokens"] for line in ended),
        sum(line["output_tokens"] for line in ended),
        sum(line["outcome"] not in NOT_REFUSED for line in ended),
        units,
    )


async def by_ledger(folder: Path) -> Told:
    """Of `evenhand usage`."""
    options = ("--by", "tenant", "--format", "json")
    page = await _asked("usage", "--config", str(folder / "evenhand.yaml"), *options)
    lines = page["lines"]
    return Told(
        sum(sum(line["outcomes"].values()) for line in lines),
        sum(line["input_tokens"] for line in lines),
        sum(line["output_tokens"] for line in lines),
        sum(n for line in lines for name, n in line["outcomes"].items() if name not in NOT_REFUSED),
        {line["tenant"]: line["units"] for line in lines},
    )


async def by_top(folder: Path) -> Told:
    """Of `evenhand top --json`."""
    page = await _asked("top", "--config", str(folder / "evenhand.yaml"), "--json")
    return by_sample(page["sample"])


def by_engine(requests: Iterable[EngineRequest], input_tokens_each: int) -> Told:
    """Of the scripted engines' own count."""
    seen = list(requests)
    produced = sum(request.tokens_produced for request in seen)
    return Told(len(seen), input_tokens_each * len(seen), produced)


async def next_sample(served: Served) -> dict[str, Any]:
    """The first that is made from here on."""
    since = (await served.admin("/api/v1/samples?last=1")).json["latest"]
    async with asyncio.timeout(20):
        while True:
            found = (await served.admin(f"/api/v1/samples?since={since}&last=1")).json["samples"]
            if found:
                sample: dict[str, Any] = found[-1]
                return sample
            await asyncio.sleep(0.1)


async def _asked(*arguments: str) -> dict[str, Any]:
    process = await spawn(*arguments)
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    page: dict[str, Any] = json.loads(output)
    return page
