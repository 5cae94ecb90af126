"""What an operator sees of engines' signals: in the log, in the live state, in the metrics."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.on_loop import run_on_loop
from support.recorded_pages import VLLM_0_32, recorded
from support.scripted_engine import Answer, ScriptedEngine, page
from support.serve import Served, configuration, embedded, serving, url_engine

WAITING = b'vllm:num_requests_waiting{engine="0",model_name="tiny"} 0.0\n'


async def state(served: Served) -> dict[str, Any]:
    (engine,) = (await served.admin("/state")).json["engines"]
    return dict(engine)


async def figures(served: Served) -> dict[str, float]:
    """The metrics of the one engine, without the beginning of their names."""
    text = (await served.admin("/metrics")).body.decode()
    return {
        sample.name.removeprefix("evenhand_engine_"): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("evenhand_engine_")
    }


async def becomes(served: Served, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """The state of the one engine, once it is as wanted."""
    async with asyncio.timeout(20):
        while not wanted(found := await state(served)):  # noqa: ASYNC110 - it announces nothing
            await asyncio.sleep(0.05)
    return found


def test_signals_are_seen_and_one_that_vanishes_is_said_and_never_shown_as_zero(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        whole = recorded(VLLM_0_32)
        async with ScriptedEngine() as engine:
            engine.pages["/metrics"] = page(whole)
            async with serving(configuration(url_engine(engine.url)), folder=tmp_path) as served:
                line = await served.logged("signals")
                assert line["signals"].startswith("reads block_tokens, blocks")
                assert line["missing"] == ""
                told = await becomes(served, lambda found: found["report"])
                assert told["report"]["running"] == 2
                assert told["report"]["waiting"] == 0
                assert told["report"]["slots"] is None
                assert told["report_age_ms"] >= 0
                shown = await figures(served)
                assert shown["running"] == 2
                assert shown["waiting"] == 0
                assert shown["kv_used_ratio"] == 0.001
                assert shown["preemptions_total"] == 0
                assert shown["signals_missing"] == 0
                assert 0 <= shown["report_age_seconds"] < 60

                engine.pages["/metrics"] = page(whole.replace(WAITING, b""))
                line = await served.logged("signals", missing="vllm:num_requests_waiting")
                assert "no longer tells vllm:num_requests_waiting" in line["signals"]
                told = await becomes(served, lambda found: found["report"]["waiting"] is None)
                assert told["report"]["running"] == 2
                assert told["signals_missing"] == ["vllm:num_requests_waiting"]
                shown = await figures(served)
                assert "waiting" not in shown
                assert shown["signals_missing"] == 1

                engine.pages["/metrics"] = Answer(status=500)
                await served.logged("signals", signals="none now: GET /metrics answered 500")
                told = await becomes(served, lambda found: found["report"] is None)
                shown = await figures(served)
                assert not {"running", "kv_used_ratio", "preemptions_total"} & shown.keys()
                assert shown["report_age_seconds"] >= 3

                begun = b"process_start_time_seconds 1.9e9\n"
                old = b"process_start_time_seconds 1.79567307525e+09\n"
                engine.pages["/metrics"] = page(whole.replace(old, begun))
                line = await served.logged("engine_restarted")
                assert line["evidence"] == "its process has started anew"
                assert (await served.post({"model": "m", "messages": []})).status == 200
                assert await served.stop() == 0

    run_on_loop(main)


def test_an_engine_without_metrics_or_with_signals_off_serves_all_the_same(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as mute, ScriptedEngine() as left_alone:
            config = configuration(
                url_engine(mute.url),
                url_engine(left_alone.url, name="quiet", signals="off"),
                url_engine(left_alone.url, name="any", kind="openai"),
            )
            async with serving(config, folder=tmp_path) as served:
                line = await served.logged("signals", engine="far")
                assert line["signals"].startswith("none: GET /metrics answered 404")
                await served.logged("engine", 3, up=True)
                rows = (await served.admin("/state")).json["engines"]
                assert {row["name"]: row["signals"] for row in rows[1:]} == {
                    "quiet": "off",
                    "any": "none: an engine of kind openai is not asked",
                }
                assert all(row["report"] is None for row in rows)
                assert (await served.post({"model": "m", "messages": []})).status == 200
                assert await served.stop() == 0
            assert not left_alone.readings
            assert len([line for line in served.lines if line["event"] == "signals"]) == 1

    run_on_loop(main)


def test_metrics_elsewhere_are_read_there_and_the_credential_stays_at_home(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, ScriptedEngine() as elsewhere:
            elsewhere.pages["/side/metrics"] = page("vllm:num_requests_running 7\n")
            at = url_engine(engine.url, metrics_url=f"{elsewhere.url}/side", api_key="env:KEY_E")
            key = "sk-engine-key-0123456789abcdef"
            async with serving(
                configuration(at), folder=tmp_path, environment={"KEY_E": key}
            ) as served:
                told = await becomes(served, lambda found: found["report"])
                assert told["report"]["running"] == 7
                assert await served.stop() == 0
            assert not engine.readings
            assert all("authorization" not in dict(asked.headers) for asked in elsewhere.readings)
            assert dict(engine.probes[0].headers)["authorization"] == f"Bearer {key}"

    run_on_loop(main)


@pytest.mark.engine
def test_the_embedded_engine_tells_what_it_computes_and_that_it_restarted(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with serving(configuration(embedded(slots=2)), folder=tmp_path) as served:
            told = await becomes(served, lambda found: found["report"])
            assert told["report"]["slots"] == 2
            assert told["report"]["waiting"] == 0
            body = {"model": "m", "prompt": "hello", "max_tokens": 5, "ignore_eos": True}
            assert (await served.post(body, path="/v1/completions")).status == 200
            await becomes(served, lambda found: found["report"]["output_tokens"] >= 5)
            for child in served.children():
                os.kill(child, signal.SIGKILL)
            await served.logged("engine_restarted", engine="local")
            await becomes(served, lambda found: (found["report"] or {}).get("output_tokens") == 0)
            assert await served.stop() == 0

    run_on_loop(main)
