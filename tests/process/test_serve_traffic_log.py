"""`traffic_log`: what a gateway served is a trace that the simulator replays."""

import json
from pathlib import Path
from typing import Any

from evenhand.scheduling import PRESETS
from evenhand.sim.fleet import at_gateway
from evenhand.sim.profile import load_profile
from evenhand.sim.run_record import Fate
from evenhand.workloads.readers import open_trace
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import KEY_A, KEY_B, configuration, end, serving, spawn, url_engine

SYSTEM = "You are the assistant of a bank. " * 250


def chat(question: str, *, system: str = SYSTEM) -> dict[str, Any]:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    return {"model": "m", "messages": messages, "max_tokens": 8}


def test_a_gateways_traffic_replays_in_the_simulator(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(tokens=4, prompt_tokens=2100)
            config = configuration(
                url_engine(engine.url),
                tenants=[{"name": "a", "weight": 3}, {"name": "b"}],
                traffic_log={"file": "traffic.jsonl"},
            )
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                calls = {
                    "X-Evenhand-Interaction": "my-secret-interaction",
                    "X-Evenhand-Interaction-Calls": "2",
                }
                for question in ("What of my account?", "And of my card?"):
                    assert (await served.post(chat(question), headers=calls)).status == 200
                other = chat("Hello, who are you?", system="Be brief. " * 900)
                assert (await served.post(other, key=KEY_B)).status == 200
                stream = await served.stream(chat("Hello?"), key=KEY_A)
                await stream.events()
                await stream.close()
                assert (await served.post({"model": "none"})).status >= 400
                await served.logged("request", 5)
                assert await served.stop() == 0

    run_on_loop(main)
    file = tmp_path / "traffic.jsonl"
    text = file.read_text()
    for secret in (KEY_A, KEY_B, "bank", "account", "brief", "my-secret-interaction"):
        assert secret not in text
    workload = open_trace(file)
    assert workload.size == 4
    assert {share.name: share.weight for share in workload.tenants} == {"a": 3, "b": 1}
    first, second, third, fourth = sorted(workload.asks, key=lambda ask: ask.id)
    assert (first.tenant, third.tenant) == (("a",), ("b",))
    assert (first.input_tokens, first.output_tokens) == (2100, 4)
    assert first.interaction == second.interaction != ""
    assert [(ask.call_index, ask.calls_total) for ask in (first, second)] == [(0, 2), (1, 2)]
    # What they share is told: two blocks of 2,048 bytes and more of the system prompt.
    assert first.prompt[0].content == second.prompt[0].content == fourth.prompt[0].content
    assert second.prompt[0].tokens >= 1024
    assert third.prompt[0].content != first.prompt[0].content
    profile = load_profile("h100-llama-3.1-8b")
    record = at_gateway(workload, PRESETS["vtc"], profile, engines=1).run()
    assert list(record.fate) == [Fate.COMPLETED] * 4
    assert sum(record.cached_tokens) > 0


def test_a_file_that_cannot_be_is_said_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            file = tmp_path / "evenhand.yaml"
            config = configuration(url_engine(engine.url), traffic_log={"file": file.name})
            file.write_text(json.dumps(config))
            process = await spawn("serve", str(file))
            try:
                _, error = await process.communicate()
            finally:
                await end(process)
            assert process.returncode == 1
            assert b"traffic_log.file: " in error
            assert file.read_text() == json.dumps(config)

    run_on_loop(main)
