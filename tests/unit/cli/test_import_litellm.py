"""A LiteLLM configuration becomes one that `evenhand check` lets pass; what is lost is told."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from evenhand.cli.config import Config, effective, load
from evenhand.cli.main import app

CONFIG = """\
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: hosted_vllm/meta/Llama-3.1-8B
      api_base: http://10.0.0.5:8000/v1
      api_key: os.environ/VLLM_KEY
      rpm: 60
      max_parallel_requests: 32
    model_info:
      input_cost_per_token: 0.00000015
      output_cost_per_token: 6e-07
      cache_read_input_token_cost: 0.000000015
  - model_name: gpt-4o
    litellm_params:
      model: hosted_vllm/meta/Llama-3.1-8B
      api_base: http://10.0.0.6:8000/
      api_key: CANARY-a-secret-in-the-file
  - model_name: far
    litellm_params:
      model: openai/gpt-5-mini
      api_key: os.environ/OPENAI_API_KEY
      input_cost_per_token: 0.0000003
      output_cost_per_token: 0.0000012
  - model_name: claude
    litellm_params: {model: anthropic/claude-x, api_key: os.environ/ANTHROPIC_API_KEY}
  - model_name: "*"
    litellm_params: {model: openai/*}
litellm_settings:
  drop_params: true
router_settings:
  routing_strategy: least-busy
  model_group_alias: {gpt-4: gpt-4o, hidden: {model: far, hidden: true}, lost: nowhere}
general_settings:
  master_key: CANARY-master
  database_url: postgresql://CANARY@h/db
environment_variables: {SOME: CANARY}
surprise: 7
"""
KEYS: dict[str, Any] = {
    "keys": [
        {
            "token": "CANARYhash",
            "key_alias": "search app",
            "team_id": "t1",
            "user_id": "ann@x.org",
            "models": ["gpt-4o", "gone"],
            "max_budget": 12.5,
            "budget_duration": "30d",
            "max_parallel_requests": 4,
            "tpm_limit": 1000,
            "expires": "2030-01-01T00:00:00Z",
            "spend": 3.5,
        },
        {"token": "h2", "team_id": "t1", "models": ["all-team-models"], "max_budget": 5},
        {"token": "h3", "key_name": "sk-...abcd", "user_id": "bob", "models": []},
        {"token": "h4", "models": ["all-proxy-models"], "metadata": {"a": 1}},
        {"token": "h5", "blocked": True},
        {"token": "h6", "models": ["gone"]},
        {"token": "h7", "max_budget": 1, "budget_duration": "3h"},
        "CANARYhash8",
    ],
    "teams": [
        {
            "team_id": "t1",
            "team_alias": "Search & Co",
            "models": ["gpt-4o"],
            "max_budget": 100,
            "budget_duration": "7d",
            "rpm_limit": 5,
        },
        {"team_id": "t2", "team_alias": "idle"},
    ],
    "total_count": 8,
}


def run(tmp_path: Path, *options: str, config: str = CONFIG, keys: object = None) -> Result:
    file = tmp_path / "config.yaml"
    file.write_text(config)
    arguments = ["import", "litellm", str(file), *options]
    if keys is not None:
        export = tmp_path / "keys.json"
        export.write_text(keys if isinstance(keys, str) else json.dumps(keys))
        arguments += ["--keys", str(export)]
    return CliRunner().invoke(app, arguments)


def imported(tmp_path: Path, **more: Any) -> tuple[Config, dict[str, Any], list[str]]:
    """The result as a configuration and as YAML, and what was said of it."""
    out = tmp_path / "evenhand.yaml"
    result = run(tmp_path, "--out", str(out), **more)
    assert result.exit_code == 0, result.output
    assert "CANARY" not in out.read_text() + result.output
    told = [line for line in result.stderr.splitlines() if line.startswith("not carried over: ")]
    assert told == [
        f"not carried over: {line[4:]}"
        for line in out.read_text().splitlines()
        if line.startswith("#   ")
    ]
    return load(out), yaml.safe_load(out.read_text()), told


def test_models_become_engines_aliases_and_prices(tmp_path: Path) -> None:
    config, data, told = imported(tmp_path)
    near, second, far = data["engines"]
    assert near == {
        "name": "10.0.0.5-8000",
        "kind": "vllm",
        "url": "http://10.0.0.5:8000",
        "models": ["meta/Llama-3.1-8B"],
        "window": 32,
        "api_key": "env:VLLM_KEY",
    }
    assert (second["url"], second["api_key"]) == (
        "http://10.0.0.6:8000",
        "env:EVENHAND_ENGINE_KEY_1",
    )
    assert (far["kind"], far["url"], far["models"]) == (
        *("openai", "https://api.openai.com"),
        ["gpt-5-mini"],
    )
    assert config.aliases == {
        "gpt-4o": "meta/Llama-3.1-8B",
        "far": "gpt-5-mini",
        "gpt-4": "meta/Llama-3.1-8B",
        "hidden": "gpt-5-mini",
    }
    assert data["prices"]["models"] == [
        {"model": "gpt-5-mini", "input": 0.3, "output": 1.2},
        {"model": "meta/Llama-3.1-8B", "input": 0.15, "cached_input": 0.015, "output": 0.6},
    ]
    assert data["admin"] == {"credential": "env:EVENHAND_ADMIN_KEY"}
    assert (data["tenants"], data["state"]) == ([{"name": "default"}], {"folder": "state"})
    at = [int(line.split(": ")[1].removeprefix("config.yaml:")) for line in told]
    assert [CONFIG.splitlines()[line - 1].strip(" -").split(":")[0] for line in at] == [
        *("rpm", "api_key", "model_name", "model_name", "drop_params", "routing_strategy"),
        *("model_group_alias", "master_key", "database_url", "environment_variables", "surprise"),
    ]
    assert effective(config)


def test_keys_and_teams_become_tenants_keys_and_budgets(tmp_path: Path) -> None:
    config, data, told = imported(tmp_path, keys=KEYS)
    assert data["tenants"] == [
        {"name": "Search-Co", "children": [{"name": "ann-x.org"}, {"name": "shared"}]},
        {"name": "bob"},
        {"name": "default"},
    ]
    ann, shared, bob, anyone, hours = data["keys"]
    assert ann == {
        "key": "env:EVENHAND_KEY_SEARCH_APP",
        "tenant": "Search-Co/ann-x.org",
        "models": ["meta/Llama-3.1-8B"],
        "limits": {"open_requests_max": 4},
    }
    assert shared["tenant"] == "Search-Co/shared"
    assert shared["models"] == ["meta/Llama-3.1-8B"]
    assert shared["limits"] == {"spend_max": 5}
    assert (bob["tenant"], bob.get("models")) == ("bob", None)
    assert (anyone["tenant"], anyone.get("models")) == ("default", None)
    assert "limits" not in hours
    assert data["budgets"] == [
        {"key": "env:EVENHAND_KEY_SEARCH_APP", "period": "month", "spend_max": 12.5},
        {"tenant": "Search-Co", "period": "week", "spend_max": 100},
    ]
    assert len({str(key.key) for key in config.keys}) == 5
    places = {line.split(": ")[2] for line in told if "keys.json" in line}
    assert places == {
        *(f"keys[0].{name}" for name in ("models", "tpm_limit", "expires", "spend")),
        *("keys[3].metadata", "keys[4]", "keys[5]", "keys[5].models", "keys[7]"),
        *("keys[6].budget_duration", "teams[0].rpm_limit", "teams[1]"),
    }


def test_without_all_prices_there_are_none_and_no_budgets_in_money(tmp_path: Path) -> None:
    config = CONFIG.replace("      input_cost_per_token: 0.0000003\n", "")
    _, data, told = imported(tmp_path, config=config, keys=KEYS)
    assert "prices" not in data
    assert "budgets" not in data
    assert sum("needs a price of every model" in line for line in told) == 4
    assert any("no price of gpt-5-mini" in line for line in told)


def test_two_models_behind_one_name_are_told_apart(tmp_path: Path) -> None:
    config = """\
model_list:
  - model_name: chat
    litellm_params: {model: openai/one, api_base: "http://127.0.0.1:1/v1", api_key: none}
  - model_name: chat
    litellm_params: {model: openai/two, api_base: "http://127.0.0.1:2/v1/"}
  - model_name: two
    litellm_params: {model: openai/three, api_base: "http://127.0.0.1:2"}
  - model_name: apart
    litellm_params: {model: a/b, custom_llm_provider: openai, api_base: "http://127.0.0.1:2"}
  - model_name: unread
    litellm_params: {model: openai/x, api_base: "http://user:CANARY@h/"}
"""
    _, data, told = imported(tmp_path, config=config)
    assert [engine["models"] for engine in data["engines"]] == [["one"], ["two", "three", "a/b"]]
    assert data["aliases"] == {"chat": "one", "apart": "a/b"}
    assert len(told) == 3
    assert "can stand for one model" in "".join(told)


@pytest.mark.parametrize(
    ("config", "keys", "says"),
    [
        ("model_list: [", None, "not valid YAML"),
        ("model_list: []", None, "engines: there are none"),
        (CONFIG, "{", "is not JSON"),
        ("", None, "engines: there are none"),
    ],
)
def test_what_cannot_be_read_is_explained(
    tmp_path: Path, config: str, keys: str | None, says: str
) -> None:
    result = run(tmp_path, config=config, keys=keys)
    assert result.exit_code == 1
    assert says in result.stderr
    assert result.stdout == ""


def test_a_file_that_exists_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "evenhand.yaml"
    out.write_text("mine")
    assert run(tmp_path, "--out", str(out)).exit_code == 1
    assert out.read_text() == "mine"
    assert run(tmp_path, "--out", str(out), "--force").exit_code == 0
    assert run(tmp_path).stdout == out.read_text()
