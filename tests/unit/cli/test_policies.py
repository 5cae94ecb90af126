"""`evenhand policies`: a list that fits, a page for each, and a snippet that can be pasted."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from evenhand.cli.config.policy import Policy
from evenhand.cli.config.policy_choice import choose
from evenhand.cli.main import app
from evenhand.cli.policies.derivation import page_text, summary
from evenhand.cli.policies.listing import shortened
from evenhand.cli.policies.page import policies_text
from evenhand.cli.policies.portrait import snippet
from evenhand.scheduling import PRESETS
from support.third_party import install_example


def run(*words: str) -> tuple[int, str, str]:
    answer = CliRunner().invoke(app, ["policies", *words])
    return answer.exit_code, answer.stdout, answer.stderr


def test_the_list_has_every_preset_in_a_hundred_columns() -> None:
    code, told, _ = run()
    assert code == 0
    assert max(map(len, told.splitlines())) <= 100
    for name in PRESETS:
        assert any(line.startswith(f"{name} ") for line in told.splitlines())


@pytest.mark.parametrize(
    ("bound", "short"),
    [
        ("2 W C / w (W in flight, C the largest request, w the least weight)", "2 W C / w"),
        ("2 (Q + W C / w) (Q the quantum)", "2 (Q + W C / w)"),
        ("2 (Q + W C / w)", "2 (Q + W C / w)"),
        ("no bound", "no bound"),
    ],
)
def test_the_list_leaves_the_legend_of_a_bound_away(bound: str, short: str) -> None:
    assert shortened(bound) == short


def test_the_list_as_json_says_who_is_fair() -> None:
    code, told, _ = run("--json")
    assert code == 0
    presets = json.loads(told)["presets"]
    assert [preset["name"] for preset in presets] == list(PRESETS)
    for preset in presets:
        policy = PRESETS[preset["name"]]
        assert preset["fair"] is policy.is_fair
        assert (preset["bound"], preset["source"]) == (policy.bound, policy.source)


@pytest.mark.parametrize("name", PRESETS)
def test_each_is_explained_with_its_parts_parameters_and_derivation(name: str) -> None:
    policy = PRESETS[name]
    code, told, _ = run(name)
    assert code == 0
    assert max(map(len, told.splitlines())) <= 100
    flat = " ".join(told.split())
    for part in policy.parts():
        assert part.name in flat
    for parameter in policy.parameters():
        assert parameter.name in told
        assert str(parameter.maximum) in told
    assert policy.bound in flat
    if policy.page:
        assert page_text(policy), f"{policy.page} does not ship beside the code"
        assert "Idea" in told
        assert "](" not in summary(policy), "a link leads nowhere from a terminal"


@pytest.mark.parametrize("name", PRESETS)
def test_each_as_json_has_the_range_of_every_parameter(name: str) -> None:
    code, told, _ = run(name, "--json")
    assert code == 0
    portrait = json.loads(told)
    values = PRESETS[name].values()
    assert {p["name"]: p["default"] for p in portrait["parameters"]} == values
    assert all(p["minimum"] <= p["default"] <= p["maximum"] for p in portrait["parameters"])


@pytest.mark.parametrize("name", PRESETS)
def test_the_snippet_is_a_section_that_means_the_preset(name: str) -> None:
    section = yaml.safe_load(snippet(PRESETS[name]))["policy"]
    if PRESETS[name].prediction.name == "oracle":
        return
    policy, findings = choose(Policy.model_validate(section))
    assert not findings
    assert policy is not None
    assert policy.values() == PRESETS[name].values()


def test_an_unknown_name_gets_a_suggestion() -> None:
    code, told, errors = run("vtcc")
    assert code == 1
    assert not told
    assert errors.startswith("vtcc: must be a policy of `evenhand policies`")
    assert "did you mean vtc?" in errors


def test_what_packages_offer_is_listed_and_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    install_example(tmp_path)
    assert json.loads(run("--json")[1])["offered_by_packages"] == ["shortest-first"]
    code, told, _ = run("shortest-first")
    assert code == 0
    assert "ageing_units_per_s" in told


def test_the_page_names_every_preset_part_and_parameter() -> None:
    text = policies_text()
    for policy in PRESETS.values():
        assert f"### {policy.name}\n" in text
        for parameter in policy.parameters():
            assert f"`{parameter.name}`: {parameter.meaning}" in text
