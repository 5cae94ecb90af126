"""Prices and budgets: exact numbers, and no model that is served for nothing by oversight."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from evenhand.cli.composition import booking_settings, key_ring
from evenhand.cli.config import (
    Config,
    ConfigurationError,
    ResolvedSecrets,
    Secret,
    effective,
    load,
)
from evenhand.ledger import Budget, Price
from evenhand.model import ModelName


def document(**more: Any) -> dict[str, Any]:
    return {
        "engines": [{"name": "local", "kind": "embedded", "models": ["tiny", "big"]}],
        "tenants": [{"name": "a"}],
        "keys": [{"key": "env:KEY_A", "tenant": "a"}],
        "state": {"folder": "state"},
        "prices": {
            "currency": "EUR",
            "models": [
                {"model": "tiny", "input": 0.15, "cached_input": 0.015, "output": 0.6},
                {"model": "big", "input": 3, "output": 12.000001},
            ],
        },
    } | more


def loaded(tmp_path: Path, data: dict[str, Any]) -> Config:
    file = tmp_path / "evenhand.yaml"
    file.write_text(yaml.safe_dump(data))
    return load(file)


def problem_of(tmp_path: Path, data: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, data)
    (problem,) = caught.value.problems
    return str(problem)


def test_prices_become_exact_integers(tmp_path: Path) -> None:
    prices = booking_settings(loaded(tmp_path, document())).prices
    assert prices.price(ModelName("tiny"), 0) == Price(
        currency="EUR",
        input=150_000_000,
        cached_input=15_000_000,
        output=600_000_000,
        reasoning=600_000_000,
    )
    assert prices.price(ModelName("big"), 1) == Price(
        currency="EUR",
        input=3_000_000_000,
        cached_input=3_000_000_000,
        output=12_000_001_000,
        reasoning=12_000_001_000,
    )
    assert prices.price(ModelName("other"), 1) is None


def test_the_effective_file_says_the_same(tmp_path: Path) -> None:
    config = loaded(tmp_path, document())
    again = tmp_path / "again"
    again.mkdir()
    (again / "evenhand.yaml").write_text(effective(config))
    assert load(again / "evenhand.yaml") == config


def test_budgets_reach_the_keys(tmp_path: Path) -> None:
    keys = [
        {"key": "env:A", "tenant": "a", "limits": {"spend_max": 12.5, "tokens_max": 7}},
        {"key": "env:B", "tenant": "a"},
    ]
    config = loaded(tmp_path, document(keys=keys))
    texts = ("sk-0123456789abcdef-a", "sk-0123456789abcdef-b")
    secrets = ResolvedSecrets(keys=tuple(map(Secret, texts)), admin=None, engines={})
    ring = key_ring(config, secrets, None)
    first, second = (ring.holder(f"Bearer {text}") for text in texts)
    assert first is not None
    assert second is not None
    assert first.identity.budget == Budget(nano_max=12_500_000_000, tokens_max=7, currency="EUR")
    assert first.identity.key_id == "env:A"
    assert second.identity.budget is None


@pytest.mark.parametrize(
    ("price", "says"),
    [
        ({"input": -1, "output": 1}, "at least 0"),
        ({"input": "0.15", "output": 1}, "number such as 0.15"),
        ({"input": 0.0000001, "output": 1}, "at most 6 decimals"),
        ({"input": True, "output": 1}, "number such as 0.15"),
        ({"input": 10_000_000_000, "output": 1}, "up to 1000000000"),
        ({"input": 1, "output": 1, "cached_input": 2}, "at most as much as a computed one"),
    ],
)
def test_a_price_that_makes_no_sense_is_refused(
    tmp_path: Path, price: dict[str, Any], says: str
) -> None:
    data = document(engines=[{"name": "e", "kind": "embedded", "models": ["tiny"]}])
    data["prices"] = {"currency": "EUR", "models": [{"model": "tiny", **price}]}
    assert says in problem_of(tmp_path, data)


def test_every_served_model_has_a_price(tmp_path: Path) -> None:
    data = document()
    del data["prices"]["models"][1]
    assert "big is served and has no price: add `- {model: big" in problem_of(tmp_path, data)


def test_a_model_has_one_price(tmp_path: Path) -> None:
    data = document()
    data["prices"]["models"].append({"model": "tiny", "input": 1, "output": 1})
    assert "tiny has a price already" in problem_of(tmp_path, data)


def test_a_currency_is_three_letters(tmp_path: Path) -> None:
    data = document()
    data["prices"]["currency"] = "euro"
    assert "currency such as EUR" in problem_of(tmp_path, data)


@pytest.mark.parametrize(
    ("limits", "without", "says"),
    [
        ({"tokens_max": 5}, "state", "add a `state` section"),
        ({"spend_max": 5}, "state", "add a `state` section"),
        ({"spend_max": 5}, "prices", "add a `prices` section"),
        ({"tokens_max": 0}, "", "from 1"),
        ({"spend_max": "much"}, "", "number such as 0.15"),
    ],
)
def test_a_budget_needs_what_it_is_counted_in(
    tmp_path: Path, limits: dict[str, Any], without: str, says: str
) -> None:
    data = document(keys=[{"key": "env:KEY_A", "tenant": "a", "limits": limits}])
    data.pop(without, None)
    assert says in problem_of(tmp_path, data)
