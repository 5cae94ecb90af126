"""The commands `check`, `init` and `docs`, run as a person would."""

import shutil
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from evenhand.cli.check import check
from evenhand.cli.config.starter import STARTER, STARTER_KEYS
from evenhand.cli.docs import docs, pages
from evenhand.cli.init import init

REPOSITORY = Path(__file__).resolve().parents[3]
SECRETS = {name: f"canary-{index}-canary-canary" for index, name in enumerate(STARTER_KEYS)}

app = typer.Typer()
for command in (check, init, docs):
    app.command()(command)


def run(*words: str | Path, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env=env)


def test_the_starter_passes_check_once_its_secrets_are_set(tmp_path: Path) -> None:
    file = tmp_path / "evenhand.yaml"
    assert run("init", file).exit_code == 0
    assert file.read_text() == STARTER
    result = run("check", file, env=SECRETS)
    assert result.exit_code == 0, result.output
    assert yaml.safe_load(result.stdout)["limits"]["queue_requests_max"] == 10_000
    assert "env:ACME_SEARCH_KEY" in result.stdout
    assert "canary" not in result.output


def test_missing_secrets_are_problems_unless_told_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "evenhand.yaml"
    run("init", file)
    result = run("check", file)
    assert result.exit_code == 1
    line = STARTER[: STARTER.index("env:ACME_SEARCH_KEY")].count("\n") + 1
    assert f"{file}:{line}: keys[0].key: env:ACME_SEARCH_KEY is not set: export" in result.stderr
    assert len(result.stderr.splitlines()) == len(STARTER_KEYS)
    assert not result.stdout
    assert run("check", "--no-secrets", file).exit_code == 0


def test_check_names_file_line_place_and_remedy(tmp_path: Path) -> None:
    file = tmp_path / "evenhand.yaml"
    file.write_text(STARTER.replace("slots: 4", "slotz: 4"))
    result = run("check", file)
    assert result.exit_code == 1
    line = STARTER[: STARTER.index("slots: 4")].count("\n") + 1
    problem, advice = result.stderr.splitlines()
    assert problem == f"{file}:{line}: engines[0].slotz: unknown key; did you mean slots?"
    assert "check again" in advice


def test_check_of_no_file_points_to_init(tmp_path: Path) -> None:
    result = run("check", tmp_path / "none.yaml")
    assert result.exit_code == 1
    assert "evenhand init" in result.stderr


def test_init_tells_the_next_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("init")
    assert (tmp_path / "evenhand.yaml").exists()
    for words in (
        *(f"export {name}=$(openssl rand -hex 24)" for name in STARTER_KEYS),
        "evenhand check evenhand.yaml",
        "evenhand serve evenhand.yaml",
        "curl http://127.0.0.1:8080/v1/chat/completions",
    ):
        assert words in result.stdout


def test_init_keeps_what_is_there_unless_forced(tmp_path: Path) -> None:
    file = tmp_path / "my file.yaml"
    file.write_text("mine")
    result = run("init", file)
    assert result.exit_code == 1
    assert "--force" in result.stderr
    assert file.read_text() == "mine"
    forced = run("init", "--force", file)
    assert forced.exit_code == 0
    assert file.read_text() == STARTER
    assert f"evenhand check '{file}'" in forced.stdout


def test_init_explains_a_folder_that_is_not_there(tmp_path: Path) -> None:
    result = run("init", tmp_path / "none" / "evenhand.yaml")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_the_generated_docs_match_the_code() -> None:
    for name, text in pages().items():
        assert (REPOSITORY / name).read_text(encoding="utf-8") == text, f"{name}: run `make docs`"


def test_drifted_docs_are_named_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path / "src")
    assert run("docs").exit_code == 0
    assert run("docs", "--check").exit_code == 0
    page = tmp_path / "docs/configuration.md"
    page.write_text(page.read_text() + "\nmore\n")
    result = run("docs", "--check")
    assert result.exit_code == 1
    assert result.stderr == "docs/configuration.md does not match the code: run `make docs`\n"
    assert run("docs").stdout == "wrote docs/configuration.md\n"
    assert run("docs", "--check").exit_code == 0


def test_docs_elsewhere_says_where_to_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("docs")
    assert result.exit_code == 1
    assert "clone" in result.stderr
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    assert run("docs", "--check").exit_code == 1


def test_a_model_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "evenhand.yaml"
    file.write_text(
        "engines: [{name: e, kind: embedded, models: [m], model_file: /nowhere/model.gguf}]\n"
        "tenants: [{name: a}]\nkeys: [{key: env:A_KEY_THAT_IS_SET, tenant: a}]\n"
    )
    result = CliRunner().invoke(app, ["check", str(file)], env={"A_KEY_THAT_IS_SET": "k" * 32})
    assert result.exit_code == 1
    assert f"{file}:1: engines[0].model_file" in result.output
