"""`evenhand serve` raises alarms by itself, tells them where one looks, and takes other thresholds while
it runs."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.gateway import STREAM
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import KEY_A, KEY_B, Served, configuration, serving, url_engine


async def standing(served: Served, holds: Callable[[list[str]], bool]) -> list[dict[str, Any]]:
    """The alarms that stand, once it holds of their kinds."""
    async with asyncio.timeout(20):
        while True:
            found: list[dict[str, Any]] = (await served.admin("/api/v1/alarms")).json["standing"]
            if holds([alarm["kind"] for alarm in found]):
                return found
            await asyncio.sleep(0.1)


def test_what_waits_for_long_is_an_alarm_until_the_threshold_is_another(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(gated=True)
            # One slot: whoever has it has everything, which is an alarm of its own.
            alarms = {"for_s": 1, "oldest_wait_s": 0.5, "dominant_share_percent": None}
            config = configuration(url_engine(engine.url, window=1), alarms=alarms)
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                streams = [await served.stream({**STREAM}, key=key) for key in (KEY_A, KEY_B)]
                (alarm,) = await standing(served, lambda kinds: kinds == ["oldest_wait"])
                assert (alarm["tenant"], alarm["threshold"], alarm["unit"]) == ("b", 500, "ms")
                assert alarm["value"] > 500
                assert alarm["do"]
                logged = await served.logged("alarm", kind="oldest_wait", tenant="b")
                assert logged["what"].startswith("b: a request has waited for")
                metrics = (await served.admin("/metrics")).body.decode()
                assert 'evenhand_alarms{kind="oldest_wait"} 1.0' in metrics
                config["alarms"]["oldest_wait_s"] = None
                (tmp_path / "evenhand.yaml").write_text(json.dumps(config))
                told = await served.admin("/api/v1/reload", method="POST")
                assert told.status == 200, told.body
                await standing(served, lambda kinds: not kinds)
                await served.logged("alarm_ended", kind="oldest_wait")
                (ended,) = (await served.admin("/api/v1/alarms")).json["ended"]
                assert ended["ended_ms"] > ended["since_ms"]
                for stream in streams:
                    await stream.close()

    run_on_loop(main, 60)


def test_the_monitor_knows_the_applications_and_who_forges(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(tokens=4, prompt_tokens=9)
            async with serving(configuration(url_engine(engine.url)), folder=tmp_path) as served:
                await served.logged("engine", up=True)
                for _ in range(20):
                    forged = {"x-tenant-id": "b", "x-vllm-priority": "0"}
                    assert (await served.post(STREAM, headers=forged)).status == 200
                    assert (await served.post(STREAM, key=KEY_B)).status == 200
                async with asyncio.timeout(20):
                    while True:
                        page = (await served.admin("/api/v1/monitor")).json
                        if page["suspicions"]:
                            break
                        await asyncio.sleep(0.1)
                (suspicion,) = page["suspicions"]
                assert (suspicion["kind"], suspicion["tenant"]) == ("forged_hints", "a")
                profiles = {line["tenant"]: line for line in page["profiles"]}
                assert profiles.keys() == {"a", "b"}
                assert profiles["b"]["requests"] == 20
                assert (profiles["b"]["input_mean"], profiles["b"]["output_mean"]) == (9, 4)
                for path in ("/api/v1/monitor", "/api/v1/alarms"):
                    assert (await served.admin(path, key=KEY_B)).status == 403

    run_on_loop(main, 60)
