"""`make bench` in miniature: real processes, and every row is there. What a row says is no test."""

import json
import subprocess
import sys
from pathlib import Path

from evenhand.scheduling import PRESETS

ROOT = Path(__file__).parents[2]
CPU = {
    "request_2k_cpu_us",
    "request_32k_cpu_us",
    "request_paced_cpu_us",
    "chunk_few_streams_cpu_us",
    "chunk_many_streams_cpu_us",
}
TIMES = {
    "request_2k_p50_us",
    "request_32k_p50_us",
    "first_token_p50_us",
    "left_mid_stream_p50_us",
    "left_before_first_byte_p50_us",
}
OF_A_PRESET = {
    "decision_few_tenants_us",
    "request_few_tenants_us",
    "decision_few_waiting_us",
    "decision_many_waiting_us",
}
OF_VTC = OF_A_PRESET | {
    "decision_flat_us",
    "decision_tree_us",
    "decision_many_tenants_us",
    "idle_tenant_bytes",
}

SIMULATED = {"simulated_day_us", "simulated_load_us", "simulated_overload_us"}


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_report_has_every_row_of_every_arm(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    sizes = ("--seconds", "0.05", "--repeats", "3", "--streams", "3", "6", "--rounds", "1")
    arms = ("--only", "gateway", "--arms", "direct", "gateway")
    ran = bench(*arms, *sizes, "--json", str(file))
    assert ran.returncode == 0, ran.stderr
    told = json.loads(file.read_text())
    assert set(told["rows"]) == CPU | TIMES
    for row, cells in told["rows"].items():
        assert set(cells) == ({"gateway"} if row in CPU else {"direct", "gateway"}), row
        for cell in cells.values():
            assert cell["median"] > 0
            assert len(cell["rounds"]) == 1
    assert not told["skipped"]
    assert {goal["row"] for goal in told["goals"]} >= {"left_mid_stream_p50_us"}
    assert told["sizes"]["in_flight"] == 32
    for arm in ("direct", "gateway"):
        assert arm in ran.stdout


def test_the_scheduling_rows_are_measured_for_every_preset(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    sizes = ("--quick", "--rounds", "1")
    ran = bench("--only", "scheduling", *sizes, "--json", str(file))
    assert ran.returncode == 0, ran.stderr
    told = json.loads(file.read_text())
    assert set(PRESETS) & set(told["skipped"]) == set()
    measured = {
        arm: {row for row, cells in told["rows"].items() if arm in cells} for arm in PRESETS
    }
    assert measured == dict.fromkeys(PRESETS, OF_A_PRESET) | {"vtc": OF_VTC}
    for cells in told["rows"].values():
        for cell in cells.values():
            assert cell["median"] > 0
    goals = {(goal["row"], goal["arm"]) for goal in told["goals"]}
    assert goals >= {
        ("decision_few_tenants_us", "vtc"),
        ("decision_many_tenants_us", "vtc"),
        ("decision_tree_us", "vtc"),
        ("idle_tenant_bytes", "vtc"),
    }
    assert not CPU & set(told["rows"])
    for preset in PRESETS:
        assert preset in ran.stdout


def test_the_simulator_rows_are_those_of_an_engine_and_of_a_fleet(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    ran = bench("--only", "simulator", "--quick", "--rounds", "1", "--json", str(file))
    assert ran.returncode == 0, ran.stderr
    told = json.loads(file.read_text())
    assert set(told["rows"]) == SIMULATED
    for row, cells in told["rows"].items():
        assert set(cells) == {"one engine", "simulator"}, row
        assert all(cell["median"] > 0 for cell in cells.values())
    assert {goal["row"] for goal in told["goals"]} == SIMULATED
    assert "80 % load" in ran.stdout


def test_a_preset_that_does_not_exist_is_skipped_with_its_reason(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    sizes = ("--quick", "--rounds", "1")
    ran = bench("--only", "scheduling", *sizes, "--presets", "unheard-of", "--json", str(file))
    assert ran.returncode == 0, ran.stderr
    assert json.loads(file.read_text())["skipped"]["unheard-of"] == "there is no such preset"
    assert "skipped: unheard-of: there is no such preset" in ran.stdout


def test_a_wrong_choice_is_refused_before_anything_starts() -> None:
    ran = bench("--arms", "apache")
    assert ran.returncode == 2
    assert "apache" in ran.stderr
