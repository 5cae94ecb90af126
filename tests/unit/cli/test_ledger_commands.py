"""`evenhand ledger audit`, `backup` and `restore`, run as a person would."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from evenhand.cli.main import app
from evenhand.stores import StateFolder
from support.ledger import rows
from support.made_ledger import made_ledger
from support.planted import plant
from support.serve import configuration, url_engine

ENGINE = url_engine("http://127.0.0.1:9")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "evenhand.yaml"
    file.write_text(json.dumps(configuration(ENGINE, state={"folder": "state"})))
    (tmp_path / "state").mkdir()
    made_ledger(tmp_path / "state" / "evenhand.db", left_open=0)
    return file


def run(config: Path, *words: str | Path) -> Result:
    return CliRunner().invoke(app, ["ledger", *map(str, words), "--config", str(config)])


def database(config: Path) -> Path:
    return config.parent / "state" / "evenhand.db"


def test_an_audit_tells_each_check_with_its_figures(config: Path) -> None:
    result = run(config, "audit")
    assert result.exit_code == 0, result.output
    assert "no gateway runs" in result.stdout
    lines = result.stdout.splitlines()
    assert sum(line.startswith("ok ") for line in lines) == 21
    assert "ok     money is price times tokens" in result.stdout
    assert "5 prices" in result.stdout
    assert lines[-1] == "The books are in order."


def test_an_audit_tells_faults_in_words(config: Path) -> None:
    plant(database(config), "UPDATE account SET posted_nano = posted_nano + 5 WHERE number = 1")
    result = run(config, "audit")
    assert result.exit_code == 1
    assert "FAULT  posted balances are the sums of transfers" in result.stdout
    assert "account 1: posted_nano is" in result.stdout
    assert "restore a backup" in result.stdout


def test_a_warning_is_no_fault(config: Path) -> None:
    plant(database(config), "UPDATE transfer SET at_ms = 1 WHERE id = 5")
    result = run(config, "audit")
    assert result.exit_code == 0
    assert "odd    times are plausible" in result.stdout
    assert "transfer 5 is of 1970-01-01 00:00:00" in result.stdout


def test_open_holds_are_listed_with_their_ages(config: Path) -> None:
    made_ledger(database(config), requests=1, left_open=30, seed=7)
    left = run(config, "audit")
    assert left.exit_code == 1
    assert "a gateway has died. Start it" in left.stdout
    assert " d  req_" in left.stdout
    assert "and 10 more; --json lists all" in left.stdout

    gateway = StateFolder(database(config).parent)
    gateway.lock()
    running = run(config, "audit")
    gateway.unlock()
    assert running.exit_code == 0
    assert "30 open holds" in running.stdout


def test_an_audit_for_programs(config: Path) -> None:
    made_ledger(database(config), requests=1, left_open=2, seed=7)
    result = run(config, "audit", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["faults"] == 2
    assert document["gateway_runs"] is False
    assert len(document["checks"]) == 21
    assert [hold["is_marked"] for hold in document["open_holds"]] == [False, True]
    assert document["open_holds"][0]["age_s"] > 86_400


def test_what_cannot_be_looked_at_has_its_own_exit_code(config: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "none.yaml", "audit").exit_code == 2
    database(config).unlink()
    result = run(config, "audit")
    assert result.exit_code == 2
    assert "there is no state database" in result.stderr


def test_backup_and_restore_say_what_they_did_and_what_to_keep(config: Path) -> None:
    file = config.parent / "backup.db"
    wrote = run(config, "backup", file)
    assert wrote.exit_code == 0, wrote.output
    assert (
        f"{len(rows(file))} transfers, 0 open holds, {file.stat().st_size:,} bytes" in wrote.stdout
    )
    assert "pepper too, in another place" in wrote.stdout

    again = run(config, "backup", file)
    assert again.exit_code == 1
    assert "exists and is kept: choose another name, or replace it with --force" in again.stderr
    assert run(config, "backup", file, "--force").exit_code == 0

    made_ledger(database(config), requests=5, seed=5)
    refused = run(config, "restore", file)
    assert refused.exit_code == 1
    assert "replace it with --force (it is kept)" in refused.stderr
    restored = run(config, "restore", file, "--force")
    assert restored.exit_code == 0, restored.output
    assert "The database from before is" in restored.stdout
    assert "There is no" in restored.stdout
    assert rows(database(config)) == rows(file)
    assert run(config, "audit").exit_code == 0
