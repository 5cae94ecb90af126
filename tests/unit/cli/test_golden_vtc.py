"""`evenhand golden vtc` replays every run of a file, also runs that nobody has seen."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evenhand.cli.main import app

HEAD = "run,scheduler,suite,total_time_s,t_s,client,input_tokens,output_tokens,ttft_s,latency_s\n"
GOOD = "VTC/small,?,?,10,0,0,5,5,0.1,0.2\n"
RUNS = ("VTC/all_results_new", "LShare/rpm2/all_results_new", "sec6.4/65000/VTC-64", "GPS/other")


def rows_file(folder: Path) -> Path:
    """Of two clients, the second of which floods."""
    lines = [
        f"{run},?,?,60.0,{second * 2.0 + client / 4},{client},64,{64 * client + 64},{ttft},{latency}\n"
        for run in RUNS
        for second in range(20)
        for client in (0, 1)
        for ttft, latency in [(0.2, 8.0) if client else (-1, -1)]
    ]
    file = folder / "rows.csv"
    file.write_text(HEAD + "".join(lines))
    return file


def test_each_run_is_compared_and_the_unknown_one_is_named(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    result = CliRunner().invoke(
        app, ["golden", "vtc", str(rows_file(tmp_path)), "--json", str(out)]
    )
    assert result.exit_code == 0
    document = json.loads(out.read_text())
    assert list(document["runs"]) == list(RUNS[:3])
    assert "GPS/other: which scheduler is that?" in document["not_replayed"]["GPS/other"]
    assert "Not replayed: GPS/other" in result.output
    run = document["runs"]["VTC/all_results_new"]
    assert -1 < run["makespan_error"] < 1
    assert set(run["service_difference"]) == {"measured", "simulated"}
    assert set(run["service_difference"]["measured"]) == {"max", "mean", "var"}
    assert run["clients"]["0"]["ttft_mean_measured_s"] is None  # all its rows were refused
    assert run["clients"]["0"]["ttft_mean_simulated_s"] > 0
    assert run["clients"]["1"]["ttft_mean_measured_s"] == pytest.approx(0.2)
    limited = document["runs"]["LShare/rpm2/all_results_new"]
    assert limited["refused_simulated"] == 36
    assert document["runs"]["sec6.4/65000/VTC-64"]["engine"] == "a100-llama-2-13b"


def test_errors_are_signed_parts_of_what_was_measured(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    CliRunner().invoke(app, ["golden", "vtc", str(rows_file(tmp_path)), "--json", str(out)])
    run = json.loads(out.read_text())["runs"]["VTC/all_results_new"]
    assert run["makespan_error"] == run["makespan_simulated_s"] / 60 - 1
    assert run["makespan_error"] < 0


def test_the_screen_shows_both_sides_of_each_run(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["golden", "vtc", str(rows_file(tmp_path)), "--clients"])
    assert "60.0 / " in result.output
    assert "VTC/new" in result.output
    assert "1: 0.2 / " in result.output
    assert "a10g-llama-2-7b, 2 runs" in result.output


def test_a_file_that_is_none_or_holds_no_known_run_ends_with_an_error(tmp_path: Path) -> None:
    missing = CliRunner().invoke(app, ["golden", "vtc", str(tmp_path / "none.csv")])
    assert missing.exit_code == 1
    assert "none.csv" in missing.output
    file = tmp_path / "rows.csv"
    file.write_text(HEAD + "GPS/a,?,?,10,0,0,5,5,0.1,0.2\nVTC/b,?,?,10,0,0,5,5,-1,-1\n")
    unknown = CliRunner().invoke(app, ["golden", "vtc", str(file)])
    assert unknown.exit_code == 1
    assert "GPS/a" in unknown.output
    assert "VTC/b: none of its requests was answered" in unknown.output


def test_a_request_that_the_engine_could_never_hold_is_a_reason_and_no_crash(
    tmp_path: Path,
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(HEAD + "VTC/big,?,?,10,0,0,20000,5,0.1,0.2\n" + GOOD)
    result = CliRunner().invoke(app, ["golden", "vtc", str(file)])
    assert result.exit_code == 0
    assert "Not replayed: request 0 has 20,002 + 5 tokens" in result.output
    assert "VTC/small" in result.output
