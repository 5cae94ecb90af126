"""`evenhand check --probe`: what it finds out about engines, over real sockets."""

import json
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from evenhand.cli.check import check
from evenhand.cli.config import look_outside, read
from evenhand.cli.probe.examination import examine
from evenhand.cli.probe.finding import Finding, Verdict
from support.on_loop import run_on_loop
from support.recorded_pages import VLLM_0_32, recorded
from support.scripted_engine import Answer, ScriptedEngine, page
from support.serve import SECRETS, configuration, embedded, spawn, url_engine

OK, NOTE, MISSING = Verdict.OK, Verdict.NOTE, Verdict.MISSING
WARNING, WRONG = Verdict.WARNING, Verdict.WRONG
app = typer.Typer()
app.command()(check)
CACHED = (Answer(cached_tokens=0), Answer(cached_tokens=128), Answer(cached_tokens=0))


async def found(
    folder: Path, engine: dict[str, Any], *, secrets: dict[str, str] | None = None, **more: Any
) -> dict[str, Finding]:
    """What is found out about that engine, by topic."""
    file = folder / "evenhand.yaml"
    file.write_text(json.dumps(configuration(engine, **more)))
    loaded = read(file)
    (engine_found,) = await examine(loaded.config, look_outside(loaded, SECRETS | (secrets or {})))
    findings = {finding.topic: finding for finding in engine_found.findings}
    assert len(findings) == len(engine_found.findings)
    return findings


def one_domain() -> dict[str, Any]:
    keys = [{"key": "env:KEY_A", "tenant": "a"}, {"key": "env:KEY_B", "tenant": "b"}]
    return {"keys": [key | {"trust_domain": "one"} for key in keys]}


def test_a_whole_vllm_is_found_whole(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(("m",)) as engine:
            engine.pages = {
                "/metrics": page(recorded(VLLM_0_32)),
                "/version": page('{"version": "0.32.0"}'),
                "/kv_event_sources": page('{"0": {"endpoint": "tcp://*:5557"}}'),
            }
            engine.script(*CACHED)
            findings = await found(tmp_path, url_engine(engine.url))
            verdicts = {topic: finding.verdict for topic, finding in findings.items()}
            # No page of vLLM tells its slots or its scheduler; on the loopback it may answer without a
            # credential.
            assert {topic for topic, verdict in verdicts.items() if verdict is not OK} == {
                "signal slots",
                "protection",
                "plug-in",
                "KV events",
            }
            assert verdicts["protection"] is verdicts["KV events"] is NOTE
            assert findings["KV events"].do == "add `kv_events`"
            engine.pages.pop("/kv_event_sources")
            follows = url_engine(engine.url, kv_events={"endpoint": "tcp://127.0.0.1:5557"})
            assert (await found(tmp_path, follows))["KV events"].verdict is WARNING
            assert "--scheduler-cls" in findings["plug-in"].do
            told = url_engine(engine.url, fair_scheduler=True)
            assert (await found(tmp_path, told))["plug-in"].verdict is WARNING
            told["hints_secret"] = "env:HINTS"
            secrets = {"HINTS": "a-secret-of-some-length"}
            sealed = (await found(tmp_path, told, secrets=secrets))["plug-in"]
            assert sealed.verdict is NOTE
            assert "sealed" in sealed.says
            assert findings["version"].says == "0.32.0 (tested with 0.32.0)"
            assert findings["signal blocks"].says == "4096, told as vllm:cache_config_info"
            assert "another salt found nothing" in findings["trust domains"].says
            bodies = [request.json for request in engine.requests]
            assert bodies[0] == bodies[1]
            assert bodies[0]["prompt"] == bodies[2]["prompt"]
            assert bodies[0]["cache_salt"] != bodies[2]["cache_salt"]

    run_on_loop(main)


def test_what_is_missing_says_what_it_costs_and_what_switches_it_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(("m",)) as engine:
            findings = await found(tmp_path, url_engine(engine.url, kind="sglang"))
            signals, cached = findings["signals"], findings["cached tokens"]
            assert signals.verdict is cached.verdict is MISSING
            assert "--enable-metrics" in signals.says
            assert "goes by what it has sent" in signals.costs
            assert "--enable-cache-report" in cached.do
            assert "charged in full" in cached.costs
            assert findings["KV events"].verdict is NOTE
            assert "--kv-events-config" in findings["KV events"].do
            renamed = recorded(VLLM_0_32).replace(b"num_requests_waiting", b"requests_queued")
            engine.pages["/metrics"] = page(renamed)
            findings = await found(tmp_path, url_engine(engine.url))
            waiting = findings["signal waiting"]
            assert waiting.verdict is MISSING
            assert waiting.says == "not found under vllm:num_requests_waiting"
            assert "goes unseen" in waiting.costs
            findings = await found(tmp_path, url_engine(engine.url, kind="sglang"))
            assert "write `kind: vllm`" in findings["signals"].says

    run_on_loop(main)


@pytest.mark.parametrize(("several", "verdict"), [(True, WRONG), (False, WARNING)])
def test_an_engine_that_ignores_salts_is_caught(
    tmp_path: Path,
    several: bool,
    verdict: Verdict,
) -> None:
    async def main() -> None:
        async with ScriptedEngine(("m",)) as engine:
            engine.script(*CACHED[:2], Answer(cached_tokens=128))
            more = {} if several else one_domain()
            findings = await found(tmp_path, url_engine(engine.url), **more)
            assert findings["trust domains"].verdict is verdict
            assert "ignored" in findings["trust domains"].says
            assert "switch its prefix cache off" in findings["trust domains"].do

    run_on_loop(main)


def test_a_wrong_url_says_what_to_correct(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(("m",)) as engine:
            engine.models_status = 404
            findings = await found(tmp_path, url_engine(engine.url))
            assert list(findings) == ["reachable"]
            assert findings["reachable"].verdict is WRONG
            assert "correct its port or path" in findings["reachable"].do
            url = engine.url
        findings = await found(tmp_path, url_engine(url))
        assert "could not connect" in findings["reachable"].says
        assert "start the engine, or correct its `url`" in findings["reachable"].do

    run_on_loop(main)


def test_a_model_that_is_not_served_is_wrong_but_llamacpp_answers_any_name(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(("other",)) as engine:
            findings = await found(tmp_path, url_engine(engine.url))
            assert findings["models"].verdict is WRONG
            assert findings["models"].says == "does not serve m; it serves other"
            findings = await found(tmp_path, url_engine(engine.url, kind="llamacpp"))
            assert findings["models"].verdict is NOTE

    run_on_loop(main)


def test_credentials_that_an_engine_refuses_or_does_not_heed_are_said(tmp_path: Path) -> None:
    async def main() -> None:
        key = {"KEY_E": "sk-engine-key-0123456789abcdef"}
        async with ScriptedEngine(("m",)) as engine:
            findings = await found(
                tmp_path, url_engine(engine.url, api_key="env:KEY_E"), secrets=key
            )
            assert findings["protection"].says == "answers without the `api_key`, too"
            engine.models_status = 401
            findings = await found(tmp_path, url_engine(engine.url))
            assert "give the engine's credential" in findings["reachable"].do
            findings = await found(
                tmp_path, url_engine(engine.url, api_key="env:KEY_E"), secrets=key
            )
            assert "refuses the `api_key`" in findings["reachable"].do

    run_on_loop(main)


def test_nothing_is_computed_at_an_endpoint_that_may_cost_money(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(("m",)) as engine:
            findings = await found(tmp_path, url_engine(engine.url, kind="openai"))
            assert not engine.requests
            assert not engine.readings
            assert findings["signals"].verdict is NOTE
            assert findings["trust domains"].verdict is WARNING
            findings = await found(tmp_path, url_engine(engine.url, kind="openai"), **one_domain())
            assert findings["trust domains"].verdict is NOTE

    run_on_loop(main)


async def run(*words: str) -> tuple[int, bytes, bytes]:
    process = await spawn("check", *words, stdout=PIPE)
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out, err


def test_exit_codes_and_the_two_forms(tmp_path: Path) -> None:
    async def main() -> None:
        file = tmp_path / "evenhand.yaml"
        async with ScriptedEngine(("m",)) as engine:
            file.write_text(json.dumps(configuration(url_engine(engine.url))))
            code, out, _ = await run(str(file), "--probe", "--json")
            assert code == 0
            answer = json.loads(out)
            assert answer["wrong"] is False
            assert [row["name"] for row in answer["engines"]] == ["far"]
            assert {"topic", "verdict", "says", "costs", "do"} == answer["engines"][0]["findings"][
                0
            ].keys()
        code, out, _ = await run(str(file), "--probe")
        assert code == 3
        assert b"wrong" in out
        assert b"could not connect" in out

    run_on_loop(main)


@pytest.mark.parametrize(
    ("config", "words", "code", "hint"),
    [
        (configuration(url_engine("http://127.0.0.1:9")), ["--json"], 2, "--probe"),
        (configuration(embedded()), ["--probe", "--no-secrets"], 2, "leave out"),
        ({}, ["--probe"], 1, "engines"),
    ],
)
def test_what_cannot_be_asked_for_says_so(
    tmp_path: Path, config: dict[str, Any], words: list[str], code: int, hint: str
) -> None:
    file = tmp_path / "evenhand.yaml"
    file.write_text(json.dumps(config))
    result = CliRunner().invoke(app, [str(file), *words])
    assert result.exit_code == code
    assert hint in result.output


@pytest.mark.engine
def test_the_embedded_engine_is_started_and_tried_and_stopped(tmp_path: Path) -> None:
    async def main() -> None:
        findings = await found(tmp_path, embedded())
        assert {finding.verdict for finding in findings.values()} == {OK, NOTE}
        assert findings["signal slots"].says == "2, told as /props total_slots"
        assert findings["cached tokens"].says.endswith("of a repeated prompt")
        assert "knows no cache salt" in findings["trust domains"].says
        assert "reuse is switched off" in findings["trust domains"].costs
        findings = await found(tmp_path, embedded(), **one_domain())
        assert "prompts are reused" in findings["trust domains"].says
        file = tmp_path / "no-model.gguf"
        file.write_bytes(b"GGUF of nothing")
        findings = await found(tmp_path, embedded(model_file=str(file)))
        assert findings["reachable"].verdict is WRONG

    run_on_loop(main)
