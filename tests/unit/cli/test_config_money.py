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
from evenhand.cli.money import budget_rules
from evenhand.ledger import Budget, BudgetRule, Period, Price
from evenhand.model import KeyId, ModelName


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


def test_prices_change_on_their_dates(tmp_path: Path) -> None:
    data = document()
    for valid_from, price in (("2026-12-01", 2), ("2027-01-01T06:00Z", 3)):
        later = {"model": "tiny", "input": price, "output": price, "valid_from": valid_from}
        data["prices"]["models"].append(later | {"currency": "USD", "request": 0.0005})
    config = loaded(tmp_path, data)
    book = booking_settings(config).prices
    december, january = 1_796_083_200_000, 1_798_783_200_000
    prices = [book.price(ModelName("tiny"), at) for at in (december - 1, december, january)]
    found = [(price.currency, price.input, price.request) for price in prices if price is not None]
    assert found == [
        ("EUR", 150_000_000, 0),
        ("USD", 2_000_000_000, 500_000),
        ("USD", 3_000_000_000, 500_000),
    ]
    least = tmp_path / "least.yaml"
    least.write_text((tmp_path / "evenhand.yaml").read_text().replace("0.0005", "0.000000001"))
    config = load(least)
    assert config.prices is not None
    assert config.prices.models[-1].request == 1
    (tmp_path / "again.yaml").write_text(effective(config))
    assert load(tmp_path / "again.yaml") == config


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"valid_from": "tomorrow"}, "a time in UTC such as 2026-12-01"),
        ({"valid_from": "2026-02-30"}, "there is no such day or hour"),
        ({"model": "big", "valid_from": "2026-12-01"}, ""),
        ({"reasoning": -1}, "at least 0"),
        ({"request": 0.0000000001}, "at most 9 decimals"),
    ],
)
def test_dates_and_small_prices_make_sense(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    data = document()
    data["prices"]["models"].append({"model": "tiny", "input": 1, "output": 1} | changes)
    if says:
        with pytest.raises(ConfigurationError, match=says):
            loaded(tmp_path, data)
    else:
        loaded(tmp_path, data)


def test_a_model_has_a_price_at_any_time(tmp_path: Path) -> None:
    data = document()
    data["prices"]["models"][0]["valid_from"] = "2026-12-01"
    assert "before that, tiny has no price" in problem_of(tmp_path, data)


def test_what_has_no_price_may_have_the_default_one(tmp_path: Path) -> None:
    data = document()
    data["prices"]["models"] = []
    data["prices"]["unpriced"] = {"input": 1, "output": 2}
    price = booking_settings(loaded(tmp_path, data)).prices.price(ModelName("big"), 0)
    assert price is not None
    assert price.output == 2 * 10**9
    data["prices"]["unpriced"]["input"] = 0
    assert "must cost something" in problem_of(tmp_path, data)


@pytest.mark.parametrize(
    ("budget", "says"),
    [
        ({"tenant": "a", "tokens_max": 5}, "period"),
        ({"tenant": "a", "period": "year", "tokens_max": 5}, "one of day, week, month"),
        ({"period": "day", "tokens_max": 5}, "of a tenant or of a key"),
        ({"tenant": "a", "key": "env:KEY_A", "period": "day", "tokens_max": 5}, "not both"),
        ({"tenant": "a", "period": "day"}, "limits nothing"),
        ({"tenant": "b", "period": "day", "tokens_max": 5}, "there is no tenant b"),
        ({"key": "env:KEY_B", "period": "day", "tokens_max": 5}, "is none of the `keys`"),
        ({"key": "sk-secret-text", "period": "day", "tokens_max": 5}, "the reference of a key"),
        ({"tenant": "a", "period": "day", "tokens_max": 5, "currency": "EUR"}, "without spend_max"),
        ({"tenant": "a", "period": "day", "spend_max": 5, "currency": "USD"}, "counts USD"),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused(
    tmp_path: Path, budget: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        loaded(tmp_path, document(budgets=[budget]))
    assert "sk-secret-text" not in str(caught.value)


def test_budgets_become_rules(tmp_path: Path) -> None:
    budgets = [
        {"tenant": "a", "period": "week", "spend_max": 1.5, "tokens_max": 9},
        {"key": "key_abcdefghijkm", "period": "total", "tokens_max": 9, "mode": "soft"},
    ]
    assert budget_rules(loaded(tmp_path, document(budgets=budgets))) == (
        BudgetRule(
            tenant=("a",),
            period=Period.WEEK,
            limits=Budget(nano_max=1_500_000_000, tokens_max=9, currency="EUR"),
        ),
        BudgetRule(
            key=KeyId("key_abcdefghijkm"),
            period=Period.TOTAL,
            limits=Budget(tokens_max=9, currency="EUR"),
            is_hard=False,
        ),
    )


def test_two_budgets_of_a_kind_and_no_state_are_refused(tmp_path: Path) -> None:
    budget = {"tenant": "a", "period": "day", "tokens_max": 5}
    data = document(budgets=[budget, budget | {"tokens_max": 6}])
    assert "the same kind of budget as budgets[0]" in problem_of(tmp_path, data)
    data = document(budgets=[budget])
    del data["state"]
    assert "must outlive a restart" in problem_of(tmp_path, data)


def test_what_is_not_known_before_is_under_no_hard_budget_in_money(tmp_path: Path) -> None:
    data = document(budgets=[{"tenant": "a", "period": "day", "spend_max": 5}])
    data["prices"]["models"][1]["gpu_second"] = 0.0007
    assert "what its gpu_second comes to is not known" in problem_of(tmp_path, data)
    data["keys"][0]["models"] = ["tiny"]
    loaded(tmp_path, data)
    data["keys"][0]["models"] = ["*"]
    data["budgets"][0]["mode"] = "soft"
    loaded(tmp_path, data)


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
