"""What the pages are shown over: three companies on two engines, with lanes."""

from typing import Any

from support.scripted_engine import ScriptedEngine
from support.serve import configuration, url_engine

SCENE_KEYS = {
    name: f"sk-scene-{name.lower().replace('_', '-')}-0123456789abcdef"
    for name in ("SEARCH", "SUPPORT", "RESEARCH", "BATCH", "CHAT")
}
VIEWER_KEY = "adm-scene-viewer-0123456789abcdef"
OPERATOR_KEY = "adm-scene-operator-0123456789abcdef"
SCENE_SECRETS = SCENE_KEYS | {"VIEWER_KEY": VIEWER_KEY, "OPERATOR_KEY": OPERATOR_KEY}


def scene(engines: list[ScriptedEngine], **more: Any) -> dict[str, Any]:
    """Its configuration."""
    admin = {
        "listen": "127.0.0.1:0",
        "credential": "env:ADMIN_KEY",
        "credentials": [
            {"name": "vera", "role": "viewer", "credential": "env:VIEWER_KEY"},
            {"name": "otto", "role": "operator", "credential": "env:OPERATOR_KEY"},
        ],
    }
    tenants = [
        {
            "name": "acme",
            "weight": 3,
            "children": [
                {"name": "search", "weight": 2},
                {"name": "support"},
                {"name": "research"},
            ],
        },
        {"name": "globex", "weight": 1, "children": [{"name": "batch"}]},
        {"name": "initech", "weight": 1, "children": [{"name": "chat"}]},
    ]
    keys = [
        {"key": "env:SEARCH", "tenant": "acme/search", "lane": "interactive"},
        {"key": "env:SUPPORT", "tenant": "acme/support", "lane": "interactive"},
        {"key": "env:RESEARCH", "tenant": "acme/research"},
        {"key": "env:BATCH", "tenant": "globex/batch"},
        {"key": "env:CHAT", "tenant": "initech/chat", "lane": "interactive"},
    ]
    named = zip(("berlin", "paris", "oslo"), engines, strict=False)
    models = {"berlin": ["small", "large"], "paris": ["small"], "oslo": ["large"]}
    prices = [
        {"model": "small", "input": 0.2, "cached_input": 0.05, "output": 0.6},
        {"model": "large", "input": 1.5, "cached_input": 0.4, "output": 4.5, "reasoning": 6},
    ]
    return configuration(
        *(
            url_engine(
                engine.url, name=name, window=6, models=models[name], gpus=2, gpu_hour_price=2.4
            )
            for name, engine in named
        ),
        state={"folder": "state"},
        prices={"currency": "EUR", "models": prices},
        admin=admin,
        tenants=tenants,
        keys=keys,
        alarms={"for_s": 5, "oldest_wait_s": 1},
        budgets=[
            {"tenant": "acme", "period": "month", "spend_max": 500},
            {"tenant": "acme/support", "period": "day", "tokens_max": 2_000_000},
            {"tenant": "globex", "period": "day", "spend_max": 0.5, "mode": "soft"},
            {"tenant": "globex/batch", "period": "month", "spend_max": 2, "mode": "soft"},
            {"tenant": "initech", "period": "week", "spend_max": 0.25, "mode": "soft"},
        ],
        lanes=[
            {"name": "interactive", "floor_percent": 25, "ttft_s": 2},
            {"name": "default", "ceiling_percent": 75},
        ],
        **more,
    )
