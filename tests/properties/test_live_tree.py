"""From any share tree to any other: by the file or by the API, the same tenants stand with the same
weights afterwards."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.cli.config import Config
from evenhand.cli.live.difference import differences
from evenhand.cli.live.tree_steps import moves_of, tree_steps
from evenhand.scheduling import Scheduler, SchedulerSettings, TenantShare
from evenhand.scheduling.tree_change import TreePlan
from support.live import LiveHouse, asked
from support.on_loop import run_on_loop

_NAMES = st.sampled_from(["a", "b", "c", "d", "e"])


def _trees(depth: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    below = st.just([]) if depth == 0 else st.one_of(st.just([]), _trees(depth - 1))
    one = st.fixed_dictionaries({"weight": st.integers(1, 9), "children": below})
    named = st.dictionaries(_NAMES, one, min_size=0 if depth < 2 else 1, max_size=3)
    return named.map(lambda found: [{"name": name, **value} for name, value in found.items()])


TREES = _trees(2)
_BASE: dict[str, Any] = {
    "engines": [
        {"name": "far", "kind": "vllm", "url": "http://127.0.0.1:9", "models": ["m"], "window": 4}
    ],
    "state": {"folder": "state"},
}


def _share(item: dict[str, Any]) -> TenantShare:
    children = tuple(_share(child) for child in item["children"])
    return TenantShare(name=item["name"], weight=item["weight"], children=children)


def _standing(tree: list[dict[str, Any]], above: str = "") -> dict[str, int]:
    found = {}
    for item in tree:
        path = f"{above}{item['name']}"
        found[path] = item["weight"]
        found |= _standing(item["children"], f"{path}/")
    return found


@given(TREES, TREES)
def test_the_steps_lead_from_one_tree_to_the_other(
    old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> None:
    scheduler = Scheduler(SchedulerSettings(tenants=tuple(map(_share, old))))
    configs = [Config.model_validate({"tenants": tree}) for tree in (old, new)]
    steps = tree_steps(configs[0].tenants, configs[1].tenants)
    plan = scheduler.plan(steps)
    assert isinstance(plan, TreePlan), plan
    nodes = {node.path: node for node in scheduler.tree.nodes()}
    scheduler.apply(plan)
    standing = {"/".join(n.path): n.weight for n in scheduler.tree.nodes() if n.path}
    assert standing == _standing(new)
    for before, after in moves_of(steps):
        if before in nodes and scheduler.tree.find(after) is not None:
            assert before[-1] == after[-1]


@settings(max_examples=40, deadline=None)
@given(TREES, TREES)
def test_file_and_api_lead_to_the_same_live_state(
    old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> None:
    async def main() -> None:
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
            by_file = LiveHouse(Path(one), {**_BASE, "tenants": old})
            by_api = LiveHouse(Path(other), {**_BASE, "tenants": old})
            by_file.write({**_BASE, "tenants": new})
            await by_file.live.reload(asked())
            found = differences(by_api.live.config, by_file.live.config)
            await by_api.live.change([(each.place, each.after) for each in found], asked())
            assert not differences(by_api.live.config, by_file.live.config)
            assert by_api.weights() == by_file.weights() == _standing(new)
            assert by_file.live.overlay.overrides == ()
            # And the file can take all of it over.
            by_api.write({**_BASE, "tenants": new})
            await by_api.live.reload(asked())
            assert by_api.live.overlay.overrides == ()
            assert by_api.weights() == _standing(new)

    run_on_loop(main)
