"""`evenhand workloads`: a list that fits, a page for each, figures that can be checked."""

import json

import pytest
from typer.testing import CliRunner

from evenhand.cli.main import app
from evenhand.cli.workloads.page import workloads_text
from evenhand.workloads.catalog import WORKLOADS

EXPLAINED = ("vtc/overload", "dlpm/tree", "fairserve/pair", "oncall", "reasoning")


def run(*words: str) -> tuple[int, str, str]:
    answer = CliRunner().invoke(app, ["workloads", *words])
    return answer.exit_code, answer.stdout, answer.stderr


def test_the_list_has_every_workload_in_120_columns() -> None:
    code, told, _ = run()
    assert code == 0
    assert max(map(len, told.splitlines())) <= 120
    for name in WORKLOADS:
        assert any(line.startswith(f"{name} ") for line in told.splitlines())


def test_the_list_as_json_has_source_and_dials() -> None:
    code, told, _ = run("--json")
    assert code == 0
    rows = json.loads(told)["workloads"]
    assert [row["name"] for row in rows] == list(WORKLOADS)
    for row in rows:
        recipe = WORKLOADS[row["name"]]
        assert row["source"] == recipe.source
        assert row["synthetic"] is recipe.is_synthetic
        assert row["dials"] == {dial.name: dial.default for dial in recipe.dials}


@pytest.mark.parametrize("name", EXPLAINED)
def test_each_is_explained_with_its_dials_and_figures(name: str) -> None:
    code, told, _ = run(name)
    assert code == 0
    assert max(map(len, told.splitlines())) <= 120
    for dial in WORKLOADS[name].dials:
        assert any(line.strip().startswith(f"{dial.name} ") for line in told.splitlines())
    for word in ("source", "requests", "tenants", "input", "output", "reuse", "sent within"):
        assert f"  {word} " in told
    assert f"evenhand simulate {name} " in told


def test_dials_turn_what_is_explained() -> None:
    code, told, _ = run("dlpm/tree", "--set", "pattern=none", "--set", "programs=2", "--json")
    assert code == 0
    portrait = json.loads(told)
    assert portrait["size"] == portrait["figures"]["requests"] == 3 * 2 * 30
    assert portrait["figures"]["tenants"] == 3
    values = {dial["name"]: dial["value"] for dial in portrait["dials"]}
    assert (values["pattern"], values["programs"], values["height"]) == ("none", 2, 4)


def test_lanes_are_told_with_their_targets() -> None:
    told = json.loads(run("oncall", "--set", "documents=5", "--set", "seconds=5", "--json")[1])
    assert told["lanes"] == {
        "interactive": {"ttft_ms_target": 500},
        "batch": {"ttft_ms_target": None},
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["dlpm/trees"], "there is no workload dlpm/trees: did you mean dlpm/tree"),
        (["dlpm/tree", "--set", "pattern=s9"], "pattern=s9: must be one of none, s1, s2"),
        (["dlpm/tree", "--set", "speed=1"], "dlpm/tree has no dial speed; its dials: pattern"),
        (["dlpm/tree", "--seed", "-1"], "seed -1: must be a whole number from 0"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(words: list[str], told: str) -> None:
    code, shown, errors = run(*words)
    assert code == 1
    assert not shown
    assert errors.startswith(told)


def test_the_page_has_a_row_for_every_workload_and_dial() -> None:
    text = workloads_text()
    for recipe in WORKLOADS.values():
        assert f"## {recipe.name}\n" in text
        for dial in recipe.dials:
            assert f"| `{dial.name}` |" in text
