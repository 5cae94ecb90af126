"""The one way to change a running configuration: refused whole or applied whole, told and taken back."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from evenhand.cli.config import Config
from evenhand.cli.config.problem import Finding
from evenhand.cli.live.difference import ABSENT
from evenhand.cli.live.keeping import KeptInDatabase
from evenhand.cli.live.override import Override, overlaid, read_back, whole
from evenhand.cli.live.participant import Apply
from evenhand.cli.live.patch import Patch
from evenhand.cli.live.place import place_of, text_of
from evenhand.cli.live.refusal import ChangeRefusedError, VersionConflictError
from evenhand.stores import LedgerFile, StateProblemError
from evenhand.stores.live_changes import LiveChanges
from support.live import LiveHouse, asked, on_loop

_DATA: dict[str, Any] = {
    "engines": [
        {"name": "far", "kind": "vllm", "url": "http://127.0.0.1:9", "models": ["m"], "window": 4}
    ],
    "tenants": [{"name": "a", "children": [{"name": "x"}, {"name": "y"}]}, {"name": "b"}],
    "state": {"folder": "state"},
}


def patch(text: str, value: object) -> Patch:
    return place_of(text), value


def data(**more: Any) -> dict[str, Any]:
    return _DATA | more


class Refusing:
    """A part that is asked last and has something against every change."""

    sections = frozenset({"limits"})

    def __init__(self) -> None:
        self.is_against = True
        self.applied = 0

    def plan(self, old: Config, new: Config) -> Apply | list[Finding]:
        if self.is_against and old.limits != new.limits:
            return [(("limits", "drain_s"), "not today: try tomorrow")]
        return self._apply

    def _apply(self) -> None:
        self.applied += 1


@on_loop
async def test_whoever_refuses_last_keeps_all_from_changing(tmp_path: Path) -> None:
    last = Refusing()
    house = LiveHouse(tmp_path, data(), more=[last])
    before, version = house.live.config, house.live.version
    wanted = [patch("tenants[a].weight", 9), patch("limits.drain_s", 3)]
    with pytest.raises(ChangeRefusedError, match=r"limits\.drain_s: not today"):
        await house.live.change(wanted, asked())
    assert house.live.config is before
    assert house.live.version == version
    assert house.weights()["a"] == 1
    assert last.applied == 0
    assert await house.live.keeping.audit(None, 10) == []
    last.is_against = False
    change = await house.live.change(wanted, asked())
    assert change.is_applied
    assert house.weights()["a"] == 9
    assert house.live.config.limits.drain_s == 3
    assert last.applied == 1


@on_loop
async def test_who_refuses_only_when_all_is_written_has_it_taken_back(tmp_path: Path) -> None:
    """Something happened between the plan and the disk: a plan is made again before it is applied."""

    class Changing(Refusing):
        asked = 0

        def plan(self, old: Config, new: Config) -> Apply | list[Finding]:
            self.asked += 1
            self.is_against = self.asked > 1
            return super().plan(old, new)

    last = Changing()
    house = LiveHouse(tmp_path, data(), more=[last])
    with pytest.raises(ChangeRefusedError, match="not today"):
        await house.live.change([patch("limits.drain_s", 3)], asked())
    assert last.applied == 0
    rows = [one.row for one in await house.live.keeping.audit(None, 10)]
    assert [row.what for row in rows] == ["withdrawn", "test"]
    assert house.live.overlay.overrides == ()


@on_loop
async def test_sections_that_nobody_answers_for_need_a_restart(tmp_path: Path) -> None:
    house = LiveHouse(tmp_path, data())
    wanted = [
        patch("tenants[b].weight", 2),
        patch("listen", "127.0.0.1:9999"),
        patch("mode", "observe"),
    ]
    with pytest.raises(ChangeRefusedError) as refused:
        await house.live.change(wanted, asked())
    assert {problem.where for problem in refused.value.problems} == {"listen", "mode"}
    assert "needs a restart" in str(refused.value)
    assert house.weights()["b"] == 1


@on_loop
async def test_words_are_those_of_check(tmp_path: Path) -> None:
    house = LiveHouse(tmp_path, data(keys=[{"key": "env:K", "tenant": "a/x"}]))
    with pytest.raises(
        ChangeRefusedError, match=r"keys\[0\]\.tenant: there is no tenant a/x; did you mean a/y\?"
    ):
        await house.live.change([patch("tenants[a].children[x]", ABSENT)], asked())
    with pytest.raises(ChangeRefusedError, match=r"weight: must be a whole number from 1 to 10000"):
        await house.live.change([patch("tenants[a].children[x].weight", 10_001)], asked())
    with pytest.raises(ChangeRefusedError, match="there is no z in tenants"):
        await house.live.change([patch("tenants[z].weight", 1)], asked())


@on_loop
async def test_a_dry_run_tells_all_and_changes_nothing(tmp_path: Path) -> None:
    house = LiveHouse(tmp_path, data())
    change = await house.live.change([patch("tenants[a].weight", 3)], asked(is_dry_run=True))
    assert not change.is_applied
    assert [(text_of(one.place), one.before, one.after) for one in change.differences] == [
        ("tenants[a].weight", 1, 3)
    ]
    assert house.weights()["a"] == 1
    assert await house.live.keeping.audit(None, 10) == []


@on_loop
async def test_two_operators_do_not_overwrite_each_other(tmp_path: Path) -> None:
    house = LiveHouse(tmp_path, data())
    seen = house.live.version
    both = await asyncio.gather(
        house.live.change([patch("tenants[a].weight", 2)], asked(version=seen)),
        house.live.change([patch("tenants[a].weight", 3)], asked(version=seen)),
        return_exceptions=True,
    )
    assert [type(one).__name__ for one in both] == ["Change", "VersionConflictError"]
    assert isinstance(both[1], VersionConflictError)
    assert "Look at it again" in str(both[1])
    assert house.weights()["a"] == 2


@on_loop
async def test_overrides_survive_a_reload_vanish_when_adopted_and_are_taken_back(
    tmp_path: Path,
) -> None:
    house = LiveHouse(tmp_path, data())
    await house.live.change([patch("tenants[a].weight", 5)], asked(who="ada"))
    await house.live.change([patch("tenants[b].weight", 7)], asked(who="bob"))
    await house.live.reload(asked(what="reload"))
    assert house.weights()["a"] == 5
    assert [(text_of(o.place), o.value, o.who) for o in house.live.overlay.overrides] == [
        ("tenants[a].weight", 5, "ada"),
        ("tenants[b].weight", 7, "bob"),
    ]
    tree = [{**_DATA["tenants"][0], "weight": 5}, {"name": "b", "weight": 2}, {"name": "c"}]
    house.write(data(tenants=tree))
    await house.live.reload(asked(what="reload"))
    # What the file says by now is adopted; what it says otherwise stays overridden.
    assert [text_of(o.place) for o in house.live.overlay.overrides] == ["tenants[b].weight"]
    assert house.weights() == {"a": 5, "a/x": 1, "a/y": 1, "b": 7, "c": 1}
    await house.live.revert([place_of("tenants[b].weight")], asked(what="revert"))
    assert house.live.overlay.overrides == ()
    assert house.weights()["b"] == 2
    rows = [one.row for one in await house.live.keeping.audit(None, 10)]
    told = [(row.what, row.place, row.before, row.after) for row in reversed(rows)]
    assert told == [
        ("test", "tenants[a].weight", "1", "5"),
        ("test", "tenants[b].weight", "1", "7"),
        ("reload", "tenants[c]", None, '{"name":"c","weight":1,"children":[]}'),
        ("adopted", "tenants[a].weight", "5", "5"),
        ("revert", "tenants[b].weight", "7", "2"),
    ]


@on_loop
async def test_an_override_that_the_file_has_no_place_for_is_set_aside_and_comes_back(
    tmp_path: Path,
) -> None:
    house = LiveHouse(tmp_path, data())
    await house.live.change([patch("tenants[b].weight", 7)], asked())
    house.write(data(tenants=[_DATA["tenants"][0]]))
    await house.live.reload(asked(what="reload"))
    ((override, reason),) = house.live.overlay.aside
    assert (text_of(override.place), reason) == ("tenants[b].weight", "there is no b in tenants")
    house.write(data())
    await house.live.reload(asked(what="reload"))
    # The tenant drains still: nothing of it was open, so it went at once, and comes anew.
    assert house.weights()["b"] == 7
    assert house.live.overlay.aside == ()


@on_loop
async def test_a_bad_file_changes_nothing_and_is_told_with_its_lines(tmp_path: Path) -> None:
    house = LiveHouse(tmp_path, data())
    house.file.write_text("tenants:\n  - name: a\n    weight: 0\nengines: []\n")
    with pytest.raises(ChangeRefusedError) as refused:
        await house.live.reload(asked(what="reload"))
    assert {problem.line for problem in refused.value.problems} >= {3}
    assert house.weights()["a"] == 1


@on_loop
async def test_a_disk_that_fails_changes_nothing(tmp_path: Path) -> None:

    keeping = KeptInDatabase(LiveChanges(tmp_path / "nowhere" / "evenhand.db"))
    house = LiveHouse(tmp_path, data(), keeping=keeping)
    with pytest.raises(StateProblemError):
        await house.live.change([patch("tenants[a].weight", 5)], asked())
    assert house.weights()["a"] == 1
    assert house.live.overlay.overrides == ()
    keeping.close()


@on_loop
async def test_what_is_kept_is_there_after_a_restart(tmp_path: Path) -> None:

    database = tmp_path / "evenhand.db"
    LedgerFile(database).close()
    keeping = KeptInDatabase(LiveChanges(database))
    house = LiveHouse(tmp_path, data(), keeping=keeping)
    await house.live.change(
        [
            patch("tenants[a].weight", 5),
            patch("tenants[b]", ABSENT),
            patch("tenants[c]", {"name": "c"}),
        ],
        asked(),
    )
    keeping.close()
    rows = LiveChanges(database).load()
    again = overlaid(house.live.overlay.file, [read_back(row) for row in rows])
    assert again.config == house.live.config
    assert again.overrides == house.live.overlay.overrides
    assert [row.value for row in rows if row.place == "tenants[b]"] == [None]


@on_loop
async def test_a_moved_tenant_keeps_its_node(tmp_path: Path) -> None:
    house = LiveHouse(tmp_path, data())
    node = house.scheduler.tree.find(("a", "x"))
    moved = {"name": "b", "children": [{"name": "x", "weight": 3}]}
    house.write(data(tenants=[{"name": "a", "children": [{"name": "y"}]}, moved]))
    await house.live.reload(asked(what="reload"))
    assert house.scheduler.tree.find(("b", "x")) is node
    assert house.weights() == {"a": 1, "a/y": 1, "b": 1, "b/x": 3}


@on_loop
async def test_changes_are_logged_without_values(tmp_path: Path) -> None:
    house = LiveHouse(tmp_path, data())
    await house.live.change([patch("tenants[a].weight", 5)], asked())
    house.live._log.close()
    (line,) = [orjson.loads(line) for line in house.lines]
    assert line["event"] == "configuration_changed"
    assert line["places"] == "tenants[a].weight"
    assert line["who"] == "ada"


def test_what_contradicts_the_file_by_now_keeps_no_gateway_from_its_start() -> None:
    lanes = [{"name": "default", "floor_percent": 60}, {"name": "batch"}]
    file = whole(Config.model_validate(data(lanes=lanes)))
    overrides = [
        Override(place_of("lanes[batch].floor_percent"), 50, "ada", 1),
        Override(place_of("lanes[gone].floor_percent"), 5, "ada", 2),
        Override(place_of("tenants[b].weight"), 3, "bob", 3),
    ]
    overlay = overlaid(file, overrides)
    assert [text_of(one.place) for one in overlay.overrides] == ["tenants[b].weight"]
    reasons = {text_of(one.place): reason for one, reason in overlay.aside}
    assert "add up to 110 percent" in reasons["lanes[batch].floor_percent"]
    assert reasons["lanes[gone].floor_percent"] == "there is no gone in lanes"
    assert overlay.config.tenants[1].weight == 3
