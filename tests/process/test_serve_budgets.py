"""Budgets and prices of a gateway that runs: told, changed, and refused where they make no sense."""

from pathlib import Path
from typing import Any

from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import KEY_A, KEY_B, Served, configuration, serving, url_engine

BODY: dict[str, Any] = {"model": "m", "prompt": list(range(10)), "max_tokens": 5}
PRICES = {"currency": "EUR", "models": [{"model": "m", "input": 1, "output": 2, "reasoning": 4}]}
DAY = {"tenant": "a", "period": "day", "tokens_max": 30, "spend_max": 1}
SOFT = {"key": "env:KEY_B", "period": "month", "tokens_max": 5, "mode": "soft"}


async def ask(served: Served, key: str = KEY_A) -> int:
    return (await served.post(BODY, key=key, path="/v1/completions")).status


def test_budgets_and_prices_live(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(tokens=2, prompt_tokens=10)
            config = configuration(
                url_engine(engine.url),
                state={"folder": "state"},
                prices=PRICES,
                lanes=[{"name": "default"}, {"name": "last"}],
            )
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                assert await ask(served) == 200
                await _set_budgets_and_use_them_up(served)
                await _change_prices(served)
                await _refuse_nonsense(served)
            async with serving(config | {"budgets": [DAY]}, folder=tmp_path) as served:
                told = (await served.admin("/api/v1/budgets")).json
                assert told["budgets"][0]["tokens_posted"] == 24, "also after a restart"

    run_on_loop(main)


async def _set_budgets_and_use_them_up(served: Served) -> None:
    answer = await served.admin_put("/api/v1/budgets", {"budgets": [DAY, SOFT]})
    assert answer.status == 200, answer.json
    assert [await ask(served), await ask(served)] == [200, 429]
    assert await ask(served, KEY_B) == 200
    day, soft = (await served.admin("/api/v1/budgets")).json["budgets"]
    assert (day["tenant"], day["mode"], day["currency"]) == ("a", "hard", "EUR")
    assert (day["tokens_max"], day["tokens_posted"], day["tokens_left"]) == (30, 24, 6)
    assert (day["spend_max"], day["spend_posted"]) == ("1", "0.000028")
    assert day["resets_at"].endswith("T00:00:00Z")
    assert (soft["key"], soft["used_up"], soft["tokens_posted"]) == ("env:KEY_B", True, 12)
    metrics = (await served.admin("/metrics")).body.decode()
    labels = 'mode="hard",period="day",unit="tokens",whose="a"'
    assert f"evenhand_budget_limit{{{labels}}} 30.0" in metrics
    assert f"evenhand_budget_posted{{{labels}}} 24.0" in metrics
    assert "evenhand_budget_soft_exceeded_total 1.0" in metrics


async def _change_prices(served: Served) -> None:
    free = {"currency": "EUR", "models": [{"model": "m", "input": 0, "output": 0, "request": 0.5}]}
    answer = await served.admin_put("/api/v1/prices", {"prices": free})
    assert answer.status == 200, answer.json
    month = {"key": "env:KEY_B", "period": "month", "spend_max": 9}
    assert (await served.admin_put("/api/v1/budgets", {"budgets": [month]})).status == 200
    assert await ask(served, KEY_B) == 200
    (told,) = (await served.admin("/api/v1/budgets")).json["budgets"]
    assert told["spend_posted"] == "0.500014", "what came before kept its price"


async def _refuse_nonsense(served: Served) -> None:
    for section, value, says in (
        ("budgets", [{"tenant": "nobody", "period": "day", "tokens_max": 1}], "no tenant nobody"),
        ("budgets", [{"period": "day", "tokens_max": 1}], "of a tenant or of a key"),
        ("budgets", [{**SOFT, "currency": "USD", "spend_max": 1}], "counts USD"),
        ("prices", {**PRICES, "currency": "USD"}, "is what `spend_max` of every key"),
        ("prices", {**PRICES, "models": []}, "is served and has no price"),
    ):
        answer = await served.admin_put(f"/api/v1/{section}", {section: value})
        assert answer.status in {400, 422}, answer.json
        assert says in answer.json["error"]["message"]
