"""`evenhand simulate` with faults, with several gateways, and recorded for `evenhand replay`."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from evenhand.cli.main import app

SMALL = ("--set", "seconds=20", "--set", "sequences_max=4", "--engine", "h100-llama-3.1-8b")
S_LORA = ("--set", "seconds=20", "--engine", "a10g-llama-2-7b")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, words)])


def simulated(tmp_path: Path, *words: str) -> Any:
    file = tmp_path / "figures.json"
    result = run("simulate", "vtc/overload", *SMALL, "--policy", "vtc", "--json", file, *words)
    assert result.exit_code == 0, result.output
    return json.loads(file.read_text())


def refused(*words: str | Path) -> str:
    result = run("simulate", "vtc/overload", *SMALL, *words)
    assert result.exit_code == 1, result.output
    return result.stderr


def test_faults_change_a_run_and_are_written_down(tmp_path: Path) -> None:
    usual = simulated(tmp_path)
    faults = ("--set", "fault=loss:engine-000@2s+10s", "--set", "fault=leave:0.2@1s")
    faulty = simulated(tmp_path, *faults)
    assert faulty["inputs"]["settings"]["faults"] == ["loss:engine-000@2s+10s", "leave:0.2@1s"]
    assert faulty["policies"]["vtc"]["refused"] > usual["policies"]["vtc"]["refused"]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("loss:engine-000", "is no fault. Write loss:ENGINE@AT[+FOR]"),
        ("loss:engine-001@1s", "there is no engine-001. Name one of engine-000."),
    ],
)
def test_a_fault_that_cannot_be_is_refused(fault: str, message: str) -> None:
    told = refused("--policy", "vtc", "--set", f"fault={fault}")
    assert told.startswith("evenhand simulate: --set fault")
    assert message in told


def test_faults_that_overlap_are_refused() -> None:
    faults = ("--set", "fault=loss:engine-000@1s", "--set", "fault=loss:engine-000@2s")
    assert "overlap. Let the first end before." in refused("--policy", "vtc", *faults)


def test_several_gateways(tmp_path: Path) -> None:
    replicas = ("--set", "gateways=2", "--set", "sync_s=0.1", "--set", "home_share=0.9")
    made = simulated(tmp_path, *replicas, "--set", "slots_follow=1")
    settings = made["inputs"]["settings"]
    assert (settings["gateways"], settings["sync_s"], settings["slots_follow"]) == (2, 0.1, 1)
    assert made["policies"]["vtc"]["requests"] == 90
    told = refused("--policy", "vtc", "--set", "home_share=2")
    assert "must be a number from 0 to 1, not" in told
    told = refused("--policy", "vtc", "--set", "gateways=5")
    assert "--set gateways: each needs a slot, and an engine has 4" in told


@pytest.mark.parametrize("preset", ["vtc", "fcfs", "fairserve", "d2lpm"])
@pytest.mark.parametrize("engine", [SMALL, S_LORA], ids=["vllm", "slora"])
def test_a_recorded_simulation_is_decided_alike(
    tmp_path: Path, preset: str, engine: tuple[str, ...]
) -> None:
    log = tmp_path / "log.jsonl.gz"
    result = run("simulate", "vtc/overload", *engine, "--policy", preset, "--log", log)
    assert result.exit_code == 0, result.output
    result = run("replay", log)
    assert result.exit_code == 0, result.output
    assert f"calls of a simulation under {preset} were decided alike" in result.output


def test_a_log_is_of_one_gateway_under_one_policy(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    told = refused("--policy", "vtc,fcfs", "--log", log)
    assert "--log: holds the decisions of one gateway under one policy" in told
    told = refused("--policy", "vtc", "--set", "gateways=2", "--log", log)
    assert "--log: holds the decisions of one gateway under one policy" in told
    assert not log.exists()
    told = refused("--policy", "vtc", "--log", tmp_path / "none" / "log")
    assert "cannot be written: No such file or directory" in told
    assert "it cannot be written: No space left" in refused("--policy", "vtc", "--log", "/dev/full")
