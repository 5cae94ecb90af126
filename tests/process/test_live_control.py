"""A real gateway is changed while it serves: by its admin API, by its file, and through a restart."""

import asyncio
import json
import random
import signal
from collections import Counter
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from evenhand.cli.main import app
from support.on_loop import run_on_loop
from support.raw_http import RawAnswer
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import (
    ADMIN_KEY,
    KEY_A,
    KEY_B,
    SECRETS,
    Served,
    configuration,
    serving,
    spawn,
    url_engine,
)

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 4}
_TREE: list[dict[str, Any]] = [
    {"name": "a", "children": [{"name": "x"}, {"name": "y"}]},
    {"name": "b"},
]


def config(engine: ScriptedEngine, **more: Any) -> dict[str, Any]:
    return configuration(
        url_engine(engine.url, window=more.pop("window", 2)),
        state={"folder": "state"},
        tenants=_TREE,
        keys=[{"key": "env:KEY_A", "tenant": "a/x"}, {"key": "env:KEY_B", "tenant": "b"}],
        **more,
    )


async def change(served: Served, method: str, path: str, body: Any = None) -> dict[str, Any]:
    answer = await served.admin(f"/api/v1/{path}", method=method, body=body)
    assert answer.status == 200, answer.body
    told: dict[str, Any] = answer.json
    return told


async def weights(served: Served) -> dict[str, int]:
    told = (await served.admin("/api/v1/tenants")).json
    return {row["path"]: row["weight"] for row in told["tenants"] if not row["leaving"]}


def test_a_tenant_moves_with_all_that_it_has_open(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(("m",)) as engine:
            engine.default = Answer(tokens=2, gated=True)
            async with serving(config(engine), folder=tmp_path) as served:
                await served.logged("engine", up=True)
                streams = [await served.stream(CHAT) for _ in range(5)]
                await engine.received(2)
                told = await change(served, "POST", "tenants/a/x/move", {"to": ""})
                assert {row["place"] for row in told["differences"]} == {
                    "tenants[a].children[x]",
                    "tenants[x]",
                    "keys[env:KEY_A].tenant",
                }
                rows = {
                    r["path"]: r for r in (await served.admin("/api/v1/tenants")).json["tenants"]
                }
                assert (rows["x"]["running_requests"], rows["x"]["queued_requests"]) == (2, 3)
                assert "a/x" not in rows
                streams.append(await served.stream(CHAT))
                for number in range(1, 7):
                    (await engine.received(number)).release()
                for stream in streams:
                    assert await stream.head() == 200
                    await stream.close()
                await served.logged("request", count=6)
                state = (await served.admin("/state")).json
                assert state["open_requests"] == 0

    run_on_loop(main)


def test_a_tenant_that_goes_ends_what_it_has_and_begins_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(("m",)) as engine:
            engine.default = Answer(tokens=2, gated=True)
            async with serving(config(engine), folder=tmp_path) as served:
                await served.logged("engine", up=True)
                streams = [await served.stream(CHAT) for _ in range(4)]
                await engine.received(2)
                await change(served, "DELETE", "tenants/a")
                assert (await served.post(CHAT)).status == 401
                assert (await served.admin("/api/v1/tenants")).json["tenants"][0]["leaving"]
                for number in range(1, 5):
                    (await engine.received(number)).release()
                for stream in streams:
                    assert await stream.head() == 200
                    await stream.close()
                await served.logged("request", count=4)
                # The last tenant cannot go: somebody has to be there.
                gone = await served.admin("/api/v1/tenants/b", method="DELETE")
                assert gone.status == 422

    run_on_loop(main)


def test_changes_outlive_a_restart_and_the_file_takes_them_over(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(("m",)) as engine:
            data = config(engine)
            async with serving(data, folder=tmp_path) as served:
                await change(served, "PATCH", "tenants/a", {"weight": 7})
                await change(
                    served, "PUT", "lanes", {"lanes": [{"name": "default"}, {"name": "batch"}]}
                )
                await change(served, "PUT", "policy", {"policy": {"preset": "drr"}})
                assert await served.stop() == 0
            async with serving(data, folder=tmp_path) as served:
                assert (await weights(served))["a"] == 7
                state = (await served.admin("/state")).json
                assert state["policy"]["preset"] == "drr"
                assert [lane["name"] for lane in state["lanes"]] == ["default", "batch"]
                drift = (await served.admin("/api/v1/drift")).json["overrides"]
                assert [(row["place"], row["who"]) for row in drift] == [
                    ("tenants[a].weight", "admin"),
                    ("policy", "admin"),
                    ("lanes[batch]", "admin"),
                ]
                file = tmp_path / "evenhand.yaml"
                tree = [{**_TREE[0], "weight": 7}, _TREE[1]]
                file.write_text(json.dumps(data | {"tenants": tree}))
                served.signal(signal.SIGHUP)
                async with asyncio.timeout(20):
                    while len((await served.admin("/api/v1/drift")).json["overrides"]) != 2:  # noqa: ASYNC110
                        await asyncio.sleep(0.02)
                rows = (await served.admin("/api/v1/audit")).json["rows"]
                assert (rows[0]["what"], rows[0]["place"]) == ("adopted", "tenants[a].weight")
                assert (await served.post(CHAT)).status in (200, 503)

    run_on_loop(main)


def test_a_reload_takes_another_secret_behind_the_same_reference(tmp_path: Path) -> None:
    async def main() -> None:
        secret = tmp_path / "secret"
        secret.write_text("first-secret-of-this-key-0123456789\n")
        secret.chmod(0o600)
        async with ScriptedEngine(("m",)) as engine:
            data = config(engine)
            data["keys"][0]["key"] = f"file:{secret}"
            async with serving(data, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                old, new = (
                    "first-secret-of-this-key-0123456789",
                    "second-secret-of-this-key-012345678",
                )
                assert (await served.post(CHAT, key=old)).status == 200
                secret.write_text(f"{new}\n")
                assert (await change(served, "POST", "reload"))["differences"] == []
                assert (await served.post(CHAT, key=old)).status == 401
                assert (await served.post(CHAT, key=new)).status == 200
                secret.unlink()
                refused = await served.admin("/api/v1/reload", method="POST")
                assert refused.status == 422
                assert "is not set" in refused.json["error"]["message"]
                assert (await served.post(CHAT, key=new)).status == 200

    run_on_loop(main)


def test_a_storm_of_changes_loses_and_grants_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(("m",)) as engine:
            engine.default = Answer(tokens=3, prompt_tokens=5, token_delay_s=0.002)
            data = config(engine, lanes=[{"name": "default"}, {"name": "batch"}], window=3)
            async with serving(data, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                asked = asyncio.gather(*(_client(served, number) for number in range(12)))
                storm = asyncio.create_task(_storm(served, data, tmp_path, asked))
                answers = [answer for found in await asked for answer in found]
                changed = await storm
                assert Counter(answer.status for answer in answers) == {200: len(answers)}
                assert changed >= 20
                ids = {answer.headers["x-request-id"] for answer in answers}
                assert len(ids) == len(answers)
                await served.logged("request", count=len(answers))
                told = Counter(
                    line["request_id"] for line in served.lines if line["event"] == "request"
                )
                assert set(told) >= ids
                assert set(told.values()) == {1}
                state = (await served.admin("/state")).json
                assert state["open_requests"] == 0
                assert state["queue"] == {"requests": 0, "bytes": 0}
                # What was charged is what was done, whoever it was charged to and wherever that was.
                tenants = (await served.admin("/api/v1/tenants")).json["tenants"]
                charged = sum(row["service_units"] for row in tenants if not row["children"])
                lines = [line for line in served.lines if line["event"] == "request"]
                assert charged == sum(line["units"] for line in lines)
                assert await served.stop() == 0
                assert "Traceback" not in served.output
            audit = await spawn("ledger", "audit", "--config", str(tmp_path / "evenhand.yaml"))
            out, error = await audit.communicate()
            assert audit.returncode == 0, (out, error)

    run_on_loop(main, 120)


async def _client(served: Served, number: int) -> list[RawAnswer]:
    key = (KEY_A, KEY_B)[number % 2]
    return [await served.post(CHAT, key=key) for _ in range(40)]


async def _storm(
    served: Served, data: dict[str, Any], folder: Path, asked: "asyncio.Future[Any]"
) -> int:
    """As long as somebody asks; how many changes were carried out."""
    dice, changed = random.Random(7), 0
    where = "a/x"
    while not asked.done():
        kind = dice.randrange(7)
        if kind == 0:
            path, to = where, dice.choice(["", "a", "b"])
            if to == "b":
                continue  # it has requests of its own
            answer = await served.admin(
                f"/api/v1/tenants/{path}/move", method="POST", body={"to": to}
            )
            if answer.status == 200:
                where = f"{to}/x".lstrip("/")
        elif kind == 1:
            body = {"weight": dice.randint(1, 9)}
            answer = await served.admin(f"/api/v1/tenants/{where}", method="PATCH", body=body)
        elif kind == 2:
            policy = {"preset": dice.choice(["vtc", "drr", "fcfs", "las", "round-robin"])}
            answer = await served.admin("/api/v1/policy", method="PUT", body={"policy": policy})
        elif kind == 3:
            floor = {"place": "lanes[default].floor_percent", "value": dice.randint(0, 50)}
            answer = await served.admin("/api/v1/config", method="PATCH", body={"changes": [floor]})
        elif kind == 4:
            window = {"place": "engines[far].window", "value": dice.randint(1, 4)}
            answer = await served.admin(
                "/api/v1/config", method="PATCH", body={"changes": [window]}
            )
        elif kind == 5:
            limits = {
                "queue_requests_max": dice.randint(100, 200),
                "tenant_queue_requests_max": 100,
            }
            (folder / "evenhand.yaml").write_text(json.dumps(data | {"limits": limits}))
            answer = await served.admin("/api/v1/reload", method="POST")
        else:
            answer = await served.admin("/api/v1/drift?place=policy", method="DELETE")
        assert answer.status in (200, 404, 422, 400), answer.body
        changed += answer.status == 200
    return changed


def test_the_commands_change_what_they_say(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine(("m",)) as engine,
            serving(config(engine), folder=tmp_path) as served,
        ):
            # The commands go by the file, where the system's choice does not stand.
            data = config(engine) | {
                "admin": {
                    "listen": f"127.0.0.1:{served.admin_port}",
                    "credential": "env:ADMIN_KEY",
                }
            }
            file = tmp_path / "commands.yaml"
            file.write_text(json.dumps(data))

            async def run(*words: str, code: int = 0) -> str:
                line = [*words, "--config", str(file)]
                result = await asyncio.to_thread(CliRunner().invoke, app, line, env=SECRETS)
                assert result.exit_code == code, (words, result.output)
                return result.output

            told = await run("tenants", "set-weight", "a/x", "3", "--dry-run")
            assert "75.0 %" not in await run("tenants", "list")
            assert "Nothing was changed" in told
            assert "37.5 %" in told
            await run("tenants", "set-weight", "a/x", "3")
            assert "37.5 %" in await run("tenants", "list", "a")
            await run("tenants", "add", "c", "2")
            assert "tenants[c]" in await run("drift")
            assert "in force" in await run("keys", "create", "c")
            refused = await run("tenants", "set-weight", "nobody", "3", code=1)
            assert "There is no tenant 'nobody'" in refused
            await run("tenants", "move", "a/x", "/")
            await run("tenants", "remove", "c")
            assert "remove tenant" in await run("audit", "--limit", "1")
            await run("drift", "--revert", "all")
            assert "runs as its file says" in await run("drift")
            assert "is in force already" in await run("reload")
            assert set(await weights(served)) == {"a", "a/x", "a/y", "b"}
            for name in ("drain", "resume"):
                await run("engines", name, "far")
            rows = json.loads(await run("audit", "--json", "--limit", "2"))["rows"]
            assert [row["what"] for row in rows] == ["resume engine", "drain engine"]
            assert rows[0]["who"].startswith("user ")
            assert ADMIN_KEY not in served.output

    run_on_loop(main, 90)


def test_what_was_only_tried_leaves_no_trace(tmp_path: Path) -> None:
    """A refused change or a dry run that takes a key out must not mix up the secrets of those that
    stay."""

    async def main() -> None:
        async with ScriptedEngine(("m",)) as engine:
            engine.default = Answer(tokens=1)
            async with serving(config(engine), folder=tmp_path) as served:
                await served.logged("engine", up=True)
                path = "/api/v1/tenants/a?dry_run=true"
                assert (await served.admin(path, method="DELETE")).json["applied"] is False
                changes = [
                    {"place": "keys[env:KEY_A]", "remove": True},
                    {"place": "mode", "value": "observe"},
                ]
                body = {"changes": changes}
                assert (
                    await served.admin("/api/v1/config", method="PATCH", body=body)
                ).status == 422
                await change(served, "POST", "tenants/a/x/move", {"to": ""})
                await change(served, "POST", "tenants", {"path": "c"})
                assert (await served.post(CHAT, key=KEY_A)).status == 200
                assert (await served.post(CHAT, key=KEY_B)).status == 200
                assert "Traceback" not in served.output

    run_on_loop(main)
