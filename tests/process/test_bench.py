"""`make bench` in miniature: real processes, and every row is there. What a row says is no test."""

import json
import subprocess
import sys
from pathlib import Path

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


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_report_has_every_row_of_every_arm(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    sizes = ("--seconds", "0.05", "--repeats", "3", "--streams", "3", "6", "--rounds", "1")
    ran = bench("--arms", "direct", "gateway", *sizes, "--json", str(file))
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
    for arm in ("direct", "gateway"):
        assert arm in ran.stdout


def test_a_wrong_choice_is_refused_before_anything_starts() -> None:
    ran = bench("--arms", "apache")
    assert ran.returncode == 2
    assert "apache" in ran.stderr
