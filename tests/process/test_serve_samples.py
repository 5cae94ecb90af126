"""`evenhand serve` tells of every second, to whoever may know."""

import asyncio
from pathlib import Path
from typing import Any

from support.gateway import CHAT
from support.on_loop import run_on_loop
from support.scripted_engine import ScriptedEngine
from support.serve import KEY_A, KEY_B, Served, configuration, serving, url_engine


async def samples(served: Served, since: int = -1) -> dict[str, Any]:
    answer = await served.admin(f"/api/v1/samples?since={since}")
    assert answer.status == 200
    page: dict[str, Any] = answer.json
    return page


async def sampled(served: Served, since: int) -> list[dict[str, Any]]:
    """The samples after that one, as soon as there is one."""
    async with asyncio.timeout(20):
        while not (found := (await samples(served, since))["samples"]):  # noqa: ASYNC110 - it is asked
            await asyncio.sleep(0.1)
    return list(found)


def test_what_was_served_is_in_the_next_sample(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            serving(configuration(url_engine(engine.url)), folder=tmp_path) as served,
        ):
            await served.logged("engine", up=True)
            before = (await samples(served))["latest"]
            for key in (KEY_A, KEY_A, KEY_B):
                assert (await served.post(CHAT, key=key)).status == 200
            found = await sampled(served, before)
            while sum(one["since_last"]["ended"] for one in found) < 3:
                found += await sampled(served, found[-1]["seq"])
            last = found[-1]
            assert [tenant["path"] for tenant in last["tenants"]] == ["a", "b"]
            totals = {tenant["path"]: tenant["units_total"] for tenant in last["tenants"]}
            assert totals["a"] == 2 * totals["b"] > 0
            assert last["units_total"] == sum(totals.values())
            assert last["engines"][0] | {"name": "far", "up": True} == last["engines"][0]
            metrics = (await served.admin("/metrics")).body.decode()
            assert 'evenhand_tenant_queue_wait_seconds_count{tenant="a"} 2\n' in metrics

    run_on_loop(main)


def test_a_wrong_question_is_told_what_is_right(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            serving(configuration(url_engine(engine.url)), folder=tmp_path) as served,
        ):
            for query in ("since=x", "last=0", "last=901", "until=3"):
                answer = await served.admin(f"/api/v1/samples?{query}")
                assert answer.status == 400
                assert "since is a number" in answer.json["error"]["message"]
            assert (await served.admin("/api/v1/samples", key="wrong")).status == 401

    run_on_loop(main)


def test_a_tenant_sees_itself_and_nobody_else(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            serving(configuration(url_engine(engine.url)), folder=tmp_path) as served,
        ):
            await served.logged("engine", up=True)
            for key in (KEY_A, KEY_B):
                assert (await served.post(CHAT, key=key)).status == 200
            await sampled(served, 1)
            answer = await served.admin("/api/v1/samples", key=KEY_B)
            assert answer.status == 200
            for sample in answer.json["samples"]:
                assert [row["path"] for row in sample["tenants"]] == ["b"]
                assert sample.keys() == {"seq", "at_ms", "interval_ms", "tenants"}
            assert answer.json["samples"][-1]["tenants"][0]["units_total"] > 0

    run_on_loop(main)
