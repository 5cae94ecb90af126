"""`evenhand serve` before engines that hang, die, come back, and are drained by their operator."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.engine_process import EngineProcess
from support.free_port import free_port
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import Served, configuration, embedded, serving, spawn, url_engine

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello there"}], "max_tokens": 8}
LIMITS = {"first_byte_timeout_s": 1, "chunk_timeout_s": 1, "abort_grace_s": 0.3}


async def engine_row(served: Served, name: str) -> dict[str, Any]:
    state = (await served.admin("/state")).json
    row: dict[str, Any] = next(row for row in state["engines"] if row["name"] == name)
    return row


async def is_at_rest(served: Served, name: str) -> None:
    """Nothing is there, and nothing is believed to be there."""
    async with asyncio.timeout(10):
        while True:
            row = await engine_row(served, name)
            if row["in_flight"] == row["given_up"] == 0:
                return
            await asyncio.sleep(0.05)


async def metric(served: Served, name: str, **labels: str) -> float:
    text = (await served.admin("/metrics")).body.decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    raise AssertionError(f"{name} {labels} is not among {text}")


async def evenhand(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """`evenhand engines ...` for that folder's gateway: exit code, and what it wrote."""
    config = str(folder / "evenhand.yaml")
    process = await spawn("engines", *arguments, "--config", config)
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def test_a_stopped_engine_is_found_out_left_alone_and_rejoins_when_it_goes_on(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with EngineProcess(tokens=2) as engine:
            config = configuration(url_engine(engine.url), limits=LIMITS)
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                assert (await served.post(CHAT)).status == 200
                engine.signal(signal.SIGSTOP)
                hung = await served.post(CHAT)
                assert hung.status in {502, 504}, "within the deadline, or it was found out before"
                await served.logged("engine", up=False)
                refused = await served.post(CHAT)
                assert refused.status == 503
                assert refused.json["error"]["code"] == "no_engine"
                engine.signal(signal.SIGCONT)
                await served.logged("engine", 2, up=True)
                assert (await served.post(CHAT)).status == 200
                await is_at_rest(served, "far")
                assert (await engine_row(served, "far"))["circuit"] == "closed"
                assert await served.stop() == 0
                ups = [line["up"] for line in served.lines if line["event"] == "engine"]
                assert ups == [True, False, True]
                events = [line["event"] for line in served.lines]
                assert "engine_restarted" not in events, "it is the same process"

    run_on_loop(main)


def test_an_engine_whose_health_page_answers_while_completions_hang_is_left_alone_too(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with ScriptedEngine(("m",)) as engine, ScriptedEngine(("m",)) as other:
            engine.default = Answer(hang_before_head=True)
            config = configuration(
                url_engine(engine.url, window=2),
                url_engine(other.url, window=2, name="other"),
                limits=LIMITS,
            )
            async with serving(config, folder=tmp_path) as served:
                for name in ("far", "other"):
                    await served.logged("engine", engine=name, up=True)
                both = await asyncio.gather(*(served.post(CHAT) for _ in range(2)))
                assert sorted(answer.status for answer in both) == [200, 504]
                opened = await served.logged("circuit", state="open")
                assert (opened["engine"], opened["because"]) == ("far", "hung")
                openings = "evenhand_engine_circuit_openings_total"
                assert await metric(served, openings, engine="far", reason="hung") >= 1
                assert (await served.admin("/readyz")).status == 200
                engine.default = Answer(tokens=2)
                while (await engine_row(served, "far"))["circuit"] != "closed":
                    answers = await asyncio.gather(*(served.post(CHAT) for _ in range(2)))
                    assert all(answer.status == 200 for answer in answers)
                    await asyncio.sleep(0.05)
                await served.logged("circuit", state="closed")
                await is_at_rest(served, "far")
                assert await metric(served, "evenhand_engine_given_up", engine="far") == 0
                assert await metric(served, "evenhand_engine_given_up_requests_total") >= 1

    run_on_loop(main)


@pytest.mark.engine
def test_a_stopped_embedded_engine_is_left_alone_and_goes_on_where_it_was(tmp_path: Path) -> None:
    async def main() -> None:
        config = configuration(embedded(), limits=LIMITS)
        async with serving(config, folder=tmp_path) as served:
            assert (await served.post(CHAT)).status == 200
            (child,) = served.children()
            os.kill(child, signal.SIGSTOP)
            try:
                assert (await served.post(CHAT)).status == 504
                opened = await served.logged("circuit", state="open")
                assert opened["because"] == "hung"
            finally:
                os.kill(child, signal.SIGCONT)
            assert (await served.post(CHAT)).status == 200
            await served.logged("circuit", state="closed")
            await is_at_rest(served, "local")
            assert await served.stop() == 0

    run_on_loop(main)


def test_a_killed_engine_that_is_back_is_known_to_be_another(tmp_path: Path) -> None:
    async def main() -> None:
        async with EngineProcess(tokens=50, token_delay_s=0.05) as engine:
            config = configuration(url_engine(engine.url), limits=LIMITS)
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                stream = await served.stream(CHAT | {"max_tokens": 50})
                await stream.event()
                await engine.kill()
                events = await stream.events()
                assert b"engine_failed" in events[-1]
                assert b"[DONE]" not in events
                await stream.close()
                await served.logged("engine", up=False)
                await engine.start()
                await served.logged("engine", 2, up=True)
                restarted = await served.logged("engine_restarted")
                assert restarted["engine"] == "far"
                row = await engine_row(served, "far")
                assert row["in_flight"] == row["given_up"] == 0

    run_on_loop(main)


def test_the_operator_drains_and_resumes_an_engine(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(("m",)) as engine:
            engine.script(Answer(gated=True))
            config = configuration(url_engine(engine.url), state={"folder": "state"})
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                stream = await served.stream(CHAT)
                running = await engine.received(1)
                code, _, said = await evenhand(tmp_path, "drain", "far")
                assert (code, said) == (0, "far is drained; 1 requests are still there.\n")
                assert (await served.post(CHAT)).status == 503
                assert (await served.admin("/readyz")).status == 503
                assert await metric(served, "evenhand_engine_drained", engine="far") == 1
                running.release()
                assert (await stream.events())[-1] == b"[DONE]"
                await stream.close()
                code, table, _ = await evenhand(tmp_path, "list")
                assert table.splitlines()[1].split()[:3] == ["far", "drained", "0"]
                code, _, said = await evenhand(tmp_path, "drain", "near")
                assert code == 1
                assert "there is no engine 'near': name one of far" in said
                code, _, said = await evenhand(tmp_path, "resume", "far")
                assert (code, said) == (0, "far takes requests.\n")
                assert (await served.post(CHAT)).status == 200
                _, lines, _ = await evenhand(tmp_path, "list", "--json")
                assert json.loads(lines)["drained"] is False
                assert await served.stop() == 0
            code, _, said = await evenhand(tmp_path, "list")
            assert code == 1
            assert "no gateway runs" in said

    run_on_loop(main, limit_s=55)


def test_engines_are_drained_and_resumed_of_a_gateway_that_keeps_no_state(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(("m",)) as engine:
            admin = {"listen": f"127.0.0.1:{free_port()}", "credential": "env:ADMIN_KEY"}
            config = configuration(url_engine(engine.url), admin=admin)
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                code, _, err = await evenhand(tmp_path, "drain", "far")
                assert (code, "far is drained" in err) == (0, True)
                code, out, _ = await evenhand(tmp_path, "list")
                assert (code, "drained" in out) == (0, True)
                code, _, err = await evenhand(tmp_path, "resume", "far")
                assert (code, "far takes requests" in err) == (0, True)
                code, _, err = await evenhand(tmp_path, "resume", "near")
                assert (code, "name one of far" in err) == (1, True)

    run_on_loop(main, 60)
