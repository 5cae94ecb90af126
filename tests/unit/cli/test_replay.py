"""`evenhand replay`: how many calls were decided alike, or the first that was not."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evenhand.cli.main import app
from evenhand.scheduling import SchedulerSettings, TenantShare
from evenhand.stores.event_log import EventLog
from support.recorded_run import drive


def run(path: Path) -> tuple[int, str, str]:
    answer = CliRunner().invoke(app, ["replay", str(path)])
    return answer.exit_code, answer.stdout, answer.stderr


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    settings = SchedulerSettings(tenants=(TenantShare(name="a"), TenantShare(name="b")))
    with EventLog(path, host="a test") as log:
        drive(log.scheduler(settings), seed=1, steps=1_000)
    return path


def test_a_sound_log_is_decided_alike(log: Path) -> None:
    calls = len(log.read_text().splitlines()) - 2
    told = f"{calls:,} calls of a test under vtc were decided alike; the log is complete.\n"
    assert run(log) == (0, told, "")


def test_the_first_difference_is_told_with_its_line(log: Path) -> None:
    lines = log.read_text().splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith('["next"') and "e1" in line)
    lines[place] = lines[place].replace("e1", "e2")
    log.write_text("\n".join(lines) + "\n")
    code, told, err = run(log)
    assert (code, err) == (1, "")
    assert f"{place - 1:,} calls" in told
    assert f"line {place + 1} is the first that is not" in told
    was = json.loads(lines[place])[-1]
    assert f"was {json.dumps(was, separators=(',', ':'))}" in told


def test_who_wrote_it_is_told_if_another_version_did(log: Path) -> None:
    text = log.read_text().replace('"evenhand":"', '"evenhand":"0.0.', 1).replace("e1", "e2", 3)
    log.write_text(text.replace('"order":"least-served"', '"order":"anyone"'))
    code, told, _ = run(log)
    assert code == 1
    assert "recorded by evenhand 0.0." in told


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("tenant,tokens\n")
    code, told, err = run(path)
    assert (code, told) == (2, "")
    assert err.startswith(f"evenhand: {path}: is no event log: line 1 is no JSON")


def test_a_policy_that_is_not_here_is_named(log: Path) -> None:
    text = log.read_text().replace('"name":"vtc","order":"least-served"', '"name":"x","order":"y"')
    log.write_text(text)
    code, _, err = run(log)
    assert code == 2
    assert "the policy x was recorded with the order y, which is not here: install" in err
