"""The rules and the Grafana file, held to Prometheus' own tool and to what real gateways tell."""

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.gateway import STREAM
from support.on_loop import run_on_loop
from support.promtool import (
    DEPLOY,
    RULES,
    alerts,
    exposed_metrics,
    firing,
    named_metrics,
    promtool,
)
from support.scripted_engine import Answer, ScriptedEngine, page
from support.serve import KEY_A, KEY_B, Served, configuration, serving, url_engine

pytestmark = pytest.mark.timeout(180)
PROMETHEUS = DEPLOY / "prometheus"
GRAFANA = DEPLOY / "grafana" / "evenhand.json"
ASKED = {**STREAM, "max_tokens": 12}
SCRAPES = 32
SAYS_OF_ITSELF = (
    "vllm:num_requests_running 3\nvllm:num_requests_waiting 0\nvllm:kv_cache_usage_perc 0.4\n"
    "vllm:num_preemptions_total 0\n"
)


def test_promtool_finds_nothing_wrong() -> None:
    async def main() -> None:
        for arguments in (
            ("check", "rules", "rules.yaml"),
            ("check", "config", "--syntax-only", "prometheus.yaml"),
            ("test", "rules", "rules_test.yaml"),
        ):
            code, output = await promtool(*arguments, folder=PROMETHEUS)
            assert code == 0, output

    run_on_loop(main)


def test_each_alert_is_shown_to_fire_and_to_stay_silent() -> None:
    tests = yaml.safe_load((PROMETHEUS / "rules_test.yaml").read_text())["tests"]
    shown = {test["name"] for test in tests}
    assert shown >= {f"{alert} {what}" for alert in alerts() for what in ("fires", "stays silent")}


async def asks(served: Served, key: str, clients: int, done: asyncio.Event) -> None:
    """So many clients that ask again when they were answered."""

    async def client() -> None:
        while not done.is_set():
            assert (await served.post(ASKED, key=key)).status == 200

    await asyncio.gather(*(client() for _ in range(clients)))


async def recorded(served: Served, clients: dict[str, int]) -> list[str]:
    """Pages of `/metrics`, a second apart, while they ask."""
    done, pages = asyncio.Event(), []
    async with asyncio.TaskGroup() as group:
        for key, count in clients.items():
            group.create_task(asks(served, key, count, done))
        for _ in range(SCRAPES):
            await asyncio.sleep(1)
            pages.append((await served.admin("/metrics")).body.decode())
        done.set()
    return pages


async def fired_under(
    clients: dict[str, int], folder: Path, **more: Any
) -> tuple[set[str], list[str], list[dict[str, Any]]]:
    """The alerts of the rules, the pages, and the gateway's own alarms."""
    async with ScriptedEngine() as engine:
        engine.default = Answer(tokens=12, prompt_tokens=9, token_delay_s=0.01)
        engine.pages["/metrics"] = page(SAYS_OF_ITSELF)
        config = configuration(url_engine(engine.url, window=4), state={"folder": "state"}, **more)
        async with serving(config, folder=folder) as served:
            await served.logged("engine", up=True)
            pages = await recorded(served, clients)
            own = (await served.admin("/api/v1/alarms")).json["standing"]
    return await firing(pages, folder), pages, own


def test_a_healthy_gateway_under_fair_overload_keeps_them_silent(tmp_path: Path) -> None:
    async def main() -> None:
        fired, pages, own = await fired_under({KEY_A: 12, KEY_B: 4}, tmp_path)
        assert fired == set()
        assert own == []
        assert 'evenhand_fairness_index{window="5m"}' in pages[-1], "there was something to judge"
        # What the rules and the Grafana file name is there, but for what needs more than one lane.
        lanes = {"evenhand_lane_queue_depth", "evenhand_lane_oldest_wait_seconds"}
        exposed = exposed_metrics(pages[-1])
        for text in (RULES.read_text(), " ".join(expressions(json.loads(GRAFANA.read_text())))):
            assert named_metrics(text) - lanes <= exposed
        assert lanes <= await with_lanes(tmp_path)

    run_on_loop(main, 150)


def test_a_flood_in_order_of_arrival_sets_them_off(tmp_path: Path) -> None:
    async def main() -> None:
        fired, _, own = await fired_under(
            {KEY_A: 120, KEY_B: 4}, tmp_path, policy={"preset": "fcfs"}
        )
        assert {"EvenhandServedToOne", "EvenhandUnfair", "EvenhandAlarm"} <= fired
        assert {"served_to_one", "unfair_5min"} <= {alarm["kind"] for alarm in own}

    run_on_loop(main, 150)


async def with_lanes(folder: Path) -> set[str]:
    lanes = [{"name": "chat"}, {"name": "default"}]
    async with ScriptedEngine() as engine:
        config = configuration(url_engine(engine.url), lanes=lanes)
        async with serving(config, folder=folder) as served:
            return exposed_metrics((await served.admin("/metrics")).body.decode())


def expressions(dashboard: dict[str, Any]) -> Iterable[str]:
    """All that its panels and variables ask for."""
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))
    yield from (v["definition"] for v in dashboard["templating"]["list"] if "definition" in v)


def test_the_panels_of_the_grafana_file_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(GRAFANA.read_text())["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_prometheus_understands_every_expression_of_the_grafana_file(tmp_path: Path) -> None:
    asked = [
        one for one in expressions(json.loads(GRAFANA.read_text())) if "label_values" not in one
    ]
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$", "")}
        for number, expression in enumerate(asked)
    ]
    groups = [{"name": "panels", "rules": rules}]
    (tmp_path / "panels.yaml").write_text(json.dumps({"groups": groups}))

    async def main() -> None:
        code, output = await promtool("check", "rules", "panels.yaml", folder=tmp_path)
        assert code == 0, output

    run_on_loop(main)
