"""`evenhand profiles`: every engine with its evidence, and one in full."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evenhand.cli.main import app
from evenhand.cli.profiles.page import profiles_text
from evenhand.sim.profile import load_profile, profile_text, shipped_profiles


def run(*words: str) -> str:
    result = CliRunner().invoke(app, ["profiles", *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_list_names_every_profile_and_fits_the_screen() -> None:
    listed = run()
    assert all(name in listed for name in shipped_profiles())
    assert "Unverified" in listed
    assert max(len(line.rstrip()) for line in listed.splitlines()) <= 120


def test_one_is_shown_with_evidence_and_figures() -> None:
    shown = " ".join(run("h100-llama-3.1-8b").split())
    for words in (
        "measured-kernel tables",
        "time per token 3.9 %",
        "416,000 tokens",
        "t_w_ms 6.47",
    ):
        assert words in shown


def test_json_holds_what_a_profile_holds() -> None:
    every = json.loads(run("--json"))["profiles"]
    assert [one["name"] for one in every] == shipped_profiles()
    assert json.loads(run("a10g-llama-2-7b", "--json"))["step"]["t_w_ms"] == 23.24


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    result = CliRunner().invoke(app, ["profiles", "b200"])
    assert result.exit_code == 1
    assert "There is no engine profile b200." in result.stderr
    assert "h100-llama-3.1-8b" in result.stderr


@pytest.mark.parametrize("name", shipped_profiles())
def test_a_profile_survives_its_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(profile_text(load_profile(name)))
    assert load_profile(str(file)) == load_profile(name)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name: a\ngpu: b", "model: Field required"),
        (profile_text(load_profile("l4-llama-3.1-8b")) + "kv_token: 5", "kv_token: Extra"),
        ("[", "is not YAML"),
        ("", "the file: "),
    ],
)
def test_a_file_that_is_no_profile_says_why(text: str, fault: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    result = CliRunner().invoke(app, ["profiles", str(file)])
    assert result.exit_code == 1
    assert fault in result.stderr
    assert str(file) in result.stderr


def test_the_page_has_a_section_for_each() -> None:
    page = profiles_text()
    assert all(f"## {name}\n" in page for name in shipped_profiles())
