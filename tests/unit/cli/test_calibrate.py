"""`evenhand calibrate` and `evenhand golden vllm`, from the command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evenhand.cli.main import app
from evenhand.sim.calibration.calibrate import Fit
from evenhand.sim.profile import load_profile
from support.engine_logs import made_log

NAME = "h100-llama-3.1-8b"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an engine that is slower than the profile."""
    file = tmp_path_factory.mktemp("log") / "mine.jsonl"
    profile = load_profile(NAME)
    lines = [
        json.dumps(
            {
                "request_id": each.request_id,
                "input_toks": each.input_tokens,
                "output_toks": each.output_tokens,
                "queued_ts": each.arrived_ms / 1000,
                "first_token_ts": each.first_token_ms / 1000,
                "last_token_ts": each.ended_ms / 1000,
            }
        )
        for each in made_log(Fit(4.0, 1.5).of(profile), requests=60, gap_ms=100)
    ]
    file.write_text("\n".join(lines))
    return file


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.output
    return result.output


def test_a_calibrated_profile_loads_and_fits(log: Path, tmp_path: Path) -> None:
    file, figures = tmp_path / "mine.yaml", tmp_path / "mine.json"
    shown = run(
        *("calibrate", str(log), "--engine", NAME, "--output", str(file)),
        *("--kv-blocks", "20000", "--json", str(figures)),
    )
    assert "held out (30)" in shown
    assert f"Wrote {file}" in shown
    profile = load_profile(str(file))
    assert profile.name == "mine"
    assert profile.kv_tokens == 320_000
    assert profile.step.t_w_ms == pytest.approx(1.5 * 6.47, rel=0.1)
    found = json.loads(figures.read_text())
    assert found["fitted_on"] == 30
    assert found["held_out_after"]["end_to_end"]["median"] < 0.05
    again = run("golden", "vllm", str(log), "--engine", str(file), "--json", str(figures))
    assert "60 requests on mine" in again
    assert json.loads(figures.read_text())["latency"]["end_to_end"]["median"] < 0.05


def test_golden_vllm_fits_first_where_asked(log: Path, tmp_path: Path) -> None:
    figures = tmp_path / "golden.json"
    words = ("golden", "vllm", str(log), "--engine", NAME, "--json", str(figures))
    run(*words)
    before = json.loads(figures.read_text())
    assert before["requests"] == 60
    assert before["fit"] is None
    assert "Fitted on the 30 before them" in run(*words, "--fit-first", "30")
    after = json.loads(figures.read_text())
    assert after["requests"] == after["fit"]["requests"] == 30
    assert after["latency"]["ttft"]["median"] < before["latency"]["ttft"]["median"]
    assert after["order"]["ends"]["rank_correlation"] > 0.99
    assert after["preemption"]["simulated_preempted"] == 0


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--engine", "b200"), "There is no engine profile b200"),
        (("--engine", "a10g-llama-2-7b"), "a vLLM log needs `vllm`"),
        (("--engine", NAME, "--fit-first", "60"), "none is left to compare"),
        (("--engine", NAME, "--fit-first", "5"), "takes 20 requests at least"),
    ],
)
def test_what_cannot_be_done_is_said(words: tuple[str, ...], fault: str, log: Path) -> None:
    result = CliRunner().invoke(app, ["golden", "vllm", str(log), *words])
    assert result.exit_code == 1
    assert fault in result.stderr


def test_a_file_that_cannot_be_written_is_said(log: Path, tmp_path: Path) -> None:
    words = [
        "calibrate",
        str(log),
        "--engine",
        NAME,
        "--output",
        str(tmp_path / "no" / "mine.yaml"),
    ]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    assert "No such file or directory" in result.stderr
