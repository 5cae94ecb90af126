"""`evenhand compare`, on files that `evenhand simulate` wrote and on others."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from evenhand.cli.main import app


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, words)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three files of figures."""
    folder = tmp_path_factory.mktemp("compare")
    for name, *words in (
        ("both", "--policy", "fcfs,vtc", "--set", "sequences_max=4"),
        ("slow", "--policy", "vtc", "--set", "sequences_max=1"),
        ("lpm", "--policy", "lpm", "--set", "sequences_max=1"),
    ):
        file = folder / f"{name}.json"
        fixed = ("vtc/overload", "--engine", "h100-llama-3.1-8b", "--processes", "1")
        result = run("simulate", *fixed, *words, "--set", "seconds=20", "--json", file)
        assert result.exit_code == 0, result.output
    return folder


def test_a_run_and_itself(folder: Path) -> None:
    result = run("compare", folder / "both.json", folder / "both.json")
    assert result.exit_code == 0
    assert "Inputs: the same." in result.stdout
    assert result.stdout.count("It makes little difference to any tenant.") == 2


def test_what_changed_for_whom_and_in_the_inputs(folder: Path) -> None:
    result = run("compare", folder / "both.json", folder / "slow.json")
    assert result.exit_code == 0
    told = " ".join(result.stdout.split())
    assert "Inputs: settings.sequences_max: 4 -> 1." in told
    assert "fcfs is in one of them only." in told
    assert "All 2 tenants lose" in told
    assert "client-1 loses 100 % 100 %" in told


def test_two_files_with_a_policy_each(folder: Path) -> None:
    result = run("compare", folder / "slow.json", folder / "lpm.json")
    assert result.exit_code == 0
    assert "lpm instead of vtc" in result.stdout


def test_nothing_in_common(folder: Path) -> None:
    result = run("compare", folder / "both.json", folder / "lpm.json")
    assert result.exit_code == 1
    assert "no policy is in both" in result.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "no JSON"),
        ("[]", "no `policies`"),
        ('{"policies": {}}', "no policy in it"),
        ('{"policies": {"vtc": {}}}', "policies.vtc.makespan_s: field required"),
    ],
)
def test_other_files_are_refused(folder: Path, tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(text)
    result = run("compare", folder / "both.json", file)
    assert result.exit_code == 1
    assert told in result.stderr
    assert "evenhand simulate" in result.stderr


def test_a_file_that_is_not_there(folder: Path) -> None:
    result = run("compare", folder / "both.json", folder / "nothing.json")
    assert result.exit_code == 1
    assert "cannot be read" in result.stderr


def test_unknown_members_are_passed_over(folder: Path, tmp_path: Path) -> None:
    content = json.loads((folder / "both.json").read_text())
    content["policies"]["vtc"]["later"] = 1
    file = tmp_path / "later.json"
    file.write_text(json.dumps(content))
    assert run("compare", folder / "both.json", file).exit_code == 0
