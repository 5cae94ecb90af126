"""The account of GPU time as an operator meets it: kept over restarts and kills, told by page and
metrics, and always the wall time of the GPUs."""

import asyncio
import json
from pathlib import Path
from typing import Any

from support.gpu_time import check_gpu_time, gpu_rows
from support.ledger import check_books, rows
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import KEY_A, KEY_B, Served, configuration, serving, url_engine

CHAT: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "hello there"}],
    "max_tokens": 400,
}
WAY = Answer(tokens=20, token_delay_s=0.01)


def config(engine: ScriptedEngine, **more: Any) -> dict[str, Any]:
    far = url_engine(engine.url, gpus=8, gpu_hour_price=2.5, gpu_hour_currency="EUR", **more)
    return configuration(far, state={"folder": "state"})


async def use(served: Served) -> None:
    """One tenant four times as long as the other."""
    for key in (KEY_A, KEY_A, KEY_A, KEY_A, KEY_B):
        stream = await served.stream(CHAT, key=key)
        while await stream.event() is not None:
            pass
        await stream.close()


async def page(served: Served, query: str = "") -> dict[str, Any]:
    answer = await served.admin(f"/api/v1/gpu-time{query}")
    assert answer.status == 200, answer.body
    return dict(answer.json)


def test_the_account_goes_on_over_restarts_and_kills(tmp_path: Path) -> None:
    database = tmp_path / "state" / "evenhand.db"

    async def main() -> None:
        async with ScriptedEngine(models=("m",)) as engine:
            engine.default = WAY
            for _ in range(2):
                async with serving(config(engine), folder=tmp_path) as served:
                    await served.logged("engine", up=True)
                    await use(served)
                    assert await served.stop() == 0
            before = gpu_rows(database, "SELECT * FROM gpu_engine")
            async with serving(config(engine), folder=tmp_path) as served:
                await served.logged("engine", up=True)
                await use(served)
                served.process.kill()  # before it has written anything of this
                await served.process.wait()
            assert gpu_rows(database, "SELECT * FROM gpu_engine") == before
            async with serving(config(engine), folder=tmp_path) as served:
                told = await page(served, "?by=tenant,engine")
                assert await served.stop() == 0
        check_gpu_time(database, gpus=8)
        rows = gpu_rows(database)
        used = {row["tenant"]: 0 for row in rows}
        for row in rows:
            used[row["tenant"]] += row["gpu_us"]
            assert (row["price_nano"], row["currency"]) == (2_500_000_000, "EUR")
        assert used["a"] > 2 * used["b"] > 0
        kinds = {row["kind"] for row in rows}
        assert {"estimated", "idle", "away"} <= kinds
        (engine_row,) = gpu_rows(database, "SELECT * FROM gpu_engine")
        assert told["total"]["away_us"] > 0
        assert sum(line["estimated_us"] for line in told["lines"]) == told["total"]["estimated_us"]
        assert engine_row["engine"] == "far"

    run_on_loop(main, limit_s=60)


def test_page_and_metrics_tell_the_same(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(models=("m",)) as engine:
            engine.default = WAY
            async with serving(config(engine), folder=tmp_path) as served:
                await served.logged("engine", up=True)
                await use(served)
                line = await counted(served)
                told = await page(served, "?by=tenant&tenant=a")
                while (shown := told["lines"]) == [] or shown[0]["estimated_us"] < line:
                    await asyncio.sleep(0.1)
                    told = await page(served, "?by=tenant&tenant=a")
                (row,) = told["lines"]
                assert row["group"] == {"tenant": "a"}
                assert row["estimated_us"] == line
                # 8 GPUs at 2.5 an hour; each row of the account is rounded down once.
                exact = line * 2_500_000_000 // 3_600_000_000
                assert abs(nano(row["cost"]["EUR"]) - exact) <= 2
                whole = await page(served, "?by=day&spread_idle=true")
                spread = sum(row["spread_us"] for row in whole["lines"])
                total = whole["total"]
                assert spread == total["idle_us"] + total["down_us"] + total["away_us"]
                for wrong in ("?by=nothing", "?by=tenant,tenant", "?from=x", "?unknown=1"):
                    assert (await served.admin(f"/api/v1/gpu-time{wrong}")).status == 400
                assert (await served.admin("/api/v1/gpu-time", key=KEY_A)).status in (401, 403)
                assert await served.stop() == 0

    run_on_loop(main, limit_s=60)


def test_a_price_per_gpu_second_is_charged_in_the_ledger(tmp_path: Path) -> None:
    database = tmp_path / "state" / "evenhand.db"

    async def main() -> None:
        async with ScriptedEngine(models=("m",)) as engine:
            engine.default = WAY
            price = {"model": "m", "input": 0, "output": 0, "gpu_second": 0.001}
            prices = {"currency": "EUR", "models": [price]}
            async with serving(config(engine) | {"prices": prices}, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                await asyncio.gather(*(use(served) for _ in range(3)))
                gone = await served.stream(CHAT)
                await gone.event()
                await gone.close()
                await served.logged("request", 16)
                assert await served.stop() == 0

    run_on_loop(main, limit_s=60)
    check_books(database)
    charged = rows(database, "SELECT * FROM transfer WHERE kind = 'gpu_time'")
    used = [row for row in gpu_rows(database) if row["kind"] == "estimated"]
    assert len(charged) == 16
    assert sum(row["gpu_us"] for row in charged) == sum(row["gpu_us"] for row in used)
    assert all(row["nano"] == row["gpu_us"] for row in charged)  # a thousandth of a second's


def test_without_state_the_page_says_what_to_do(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(models=("m",)) as engine:
            without = configuration(url_engine(engine.url))
            async with serving(without, folder=tmp_path) as served:
                answer = await served.admin("/api/v1/gpu-time")
                assert answer.status == 404
                assert "`state`" in json.loads(answer.body)["error"]["message"]
                assert b"evenhand_gpu_seconds_total" in (await served.admin("/metrics")).body
                assert await served.stop() == 0

    run_on_loop(main, limit_s=60)


async def counted(served: Served) -> int:
    """Microseconds of tenant a, once all of them are counted."""
    name = b'evenhand_tenant_gpu_seconds_total{tenant="a"} '
    before = -1
    while True:
        body = (await served.admin("/metrics")).body
        (line,) = [line for line in body.splitlines() if line.startswith(name)] or [name + b"0"]
        now = round(float(line[len(name) :]) * 1_000_000)
        if now and now == before:
            return now
        before = now
        await asyncio.sleep(1.1)


def nano(text: str) -> int:
    whole, _, rest = text.partition(".")
    return int(whole) * 10**9 + int(rest.ljust(9, "0") or "0")
