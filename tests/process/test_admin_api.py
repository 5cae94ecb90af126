"""The admin API by hand: what each page takes, answers and refuses, and who may do what."""

import asyncio
from pathlib import Path
from typing import Any

from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import configuration, serving, url_engine

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 4}
_OPERATOR = "adm-operator-credential-0123456789abcdef"
_VIEWER = "adm-viewer-credential-0123456789abcdef0"


def config(engine: ScriptedEngine, **more: Any) -> dict[str, Any]:
    admins = [
        {"name": "olga", "role": "operator", "credential": "env:OPERATOR"},
        {"name": "vera", "role": "viewer", "credential": "env:VIEWER"},
    ]
    admin = {"listen": "127.0.0.1:0", "credential": "env:ADMIN_KEY", "credentials": admins}
    return configuration(url_engine(engine.url), admin=admin, state={"folder": "state"}, **more)


ENVIRONMENT = {"OPERATOR": _OPERATOR, "VIEWER": _VIEWER}


def test_roles_bound_what_is_changed(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine(("m",)) as engine,
            serving(config(engine), folder=tmp_path, environment=ENVIRONMENT) as served,
        ):
            weight = {"changes": [{"place": "tenants[a].weight", "value": 3}]}
            policy = {"changes": [{"place": "policy", "value": {"preset": "drr"}}]}
            both = {"changes": [*weight["changes"], *policy["changes"]]}

            async def status(key: str, method: str, path: str, body: Any = None) -> int:
                path = f"/api/v1/{path}"
                return (await served.admin(path, key=key, method=method, body=body)).status

            assert await status(_VIEWER, "PATCH", "config", weight) == 403
            assert await status(_VIEWER, "POST", "plan", policy) == 200
            assert await status(_OPERATOR, "PATCH", "config", policy) == 403
            assert await status(_OPERATOR, "PATCH", "config", both) == 403
            assert await status(_OPERATOR, "PUT", "policy", {"policy": {"preset": "drr"}}) == 403
            assert await status(_OPERATOR, "POST", "keys", {"tenant": "a"}) == 403
            told = (await served.admin("/api/v1/drift")).json
            assert told["overrides"] == []
            assert await status(_OPERATOR, "PATCH", "config", weight) == 200
            (row,) = (await served.admin("/api/v1/drift", key=_VIEWER)).json["overrides"]
            assert row["who"] == "olga"
            assert await status("", "PUT", "policy", {"policy": {"preset": "drr"}}) == 401
            assert (
                await served.admin(
                    "/api/v1/policy", method="PUT", body={"policy": {"preset": "drr"}}
                )
            ).status == 200
            # What an owner has set is an owner's to take back.
            assert await status(_OPERATOR, "DELETE", "drift?place=policy") == 403
            assert await status(_OPERATOR, "DELETE", "drift") == 403
            assert await status(_OPERATOR, "DELETE", "drift?place=tenants[a]") == 200

    run_on_loop(main)


def test_a_key_is_made_used_rotated_and_revoked(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine(("m",)) as engine,
            serving(config(engine), folder=tmp_path, environment=ENVIRONMENT) as served,
        ):
            engine.default = Answer(tokens=1)
            await served.logged("engine", up=True)
            body = {"tenant": "a", "note": "ticket 1", "expires_s": 3_600}
            made = (await served.admin("/api/v1/keys", method="POST", body=body)).json
            assert (await served.post(CHAT, key=made["secret"])).status == 200
            one = f"/api/v1/keys/{made['id']}"
            again = (await served.admin(f"{one}/rotate", method="POST", body={})).json
            assert (await served.post(CHAT, key=made["secret"])).status == 401
            assert (await served.post(CHAT, key=again["secret"])).status == 200
            assert (await served.admin(one, method="DELETE")).status == 200
            assert (await served.post(CHAT, key=again["secret"])).status == 401
            assert (await served.admin(f"{one}/rotate", method="POST", body={})).status == 422
            assert (await served.admin("/api/v1/keys")).json["keys"] == []
            (listed,) = (await served.admin("/api/v1/keys?ended=true")).json["keys"]
            assert (listed["state"], listed["note"]) == ("revoked", "ticket 1")
            refused = await served.admin("/api/v1/keys", method="POST", body={"tenant": "nobody"})
            assert refused.status == 422
            assert "tenant: there is no tenant nobody" in refused.json["error"]["message"]
            audit = (await served.admin("/api/v1/audit")).body
            for secret in (made["secret"], again["secret"]):
                assert secret.encode() not in audit
                assert secret not in served.output

    run_on_loop(main)


def test_what_is_not_understood_is_refused_in_words(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine(("m",)) as engine,
            serving(config(engine), folder=tmp_path, environment=ENVIRONMENT) as served,
        ):
            cases: list[tuple[str, str, Any, int, str]] = [
                ("PATCH", "tenants/a", {"weight": 1, "wait": 2}, 400, "wait: Extra inputs"),
                ("PATCH", "tenants/a", b"{", 400, "one JSON object"),
                ("PATCH", "tenants/a?dry=1", {"weight": 1}, 400, "dry: Extra inputs"),
                ("PATCH", "tenants/nobody", {"weight": 1}, 400, "There is no tenant 'nobody'"),
                (
                    "PATCH",
                    "config",
                    {"changes": [{"place": "x y", "value": 1}]},
                    400,
                    "is no place",
                ),
                ("PATCH", "config", {"changes": [{"place": "x"}]}, 400, "give a value"),
                (
                    "PATCH",
                    "config",
                    {"changes": [{"place": "x", "value": 1}]},
                    422,
                    "there is no x",
                ),
                ("PUT", "lanes", {"lanes": []}, 422, "lanes"),
                ("PUT", "lanes", [1], 400, "The body must be"),
                ("POST", "tenants", {"path": "a"}, 400, "exists already"),
                ("POST", "tenants/a/move", {"to": "a"}, 400, "cannot be put there"),
                ("POST", "engines/none/drain", None, 404, "There is no engine 'none'"),
                ("DELETE", "drift?place=mode", None, 404, "is as in the file"),
                ("GET", "audit?limit=0", None, 400, "limit"),
                ("GET", "audit?limit=1&limit=2", None, 400, "stands twice"),
                ("PATCH", "tenants/a", b"x" * (1 << 20) + b"x", 413, "larger than"),
            ]
            for method, path, body, status, words in cases:
                answer = await served.admin(f"/api/v1/{path}", method=method, body=body)
                assert answer.status == status, (path, answer.body)
                assert words in answer.json["error"]["message"], (path, answer.body)

    run_on_loop(main)


def test_if_match_keeps_two_operators_apart(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine(("m",)) as engine,
            serving(config(engine), folder=tmp_path, environment=ENVIRONMENT) as served,
        ):
            seen = (await served.admin("/api/v1/config")).headers["etag"]
            tag = {"If-Match": seen}
            path, body = "/api/v1/tenants/a", {"weight": 4}
            first = await served.admin(path, method="PATCH", body=body, headers=tag)
            assert first.status == 200
            assert first.headers["etag"] != seen
            second = await served.admin(path, method="PATCH", body=body, headers=tag)
            assert second.status == 409
            assert second.json["error"]["code"] == "version_conflict"
            third = await served.admin(
                f"{path}?version={first.json['version']}", method="PATCH", body=body
            )
            assert third.status == 200
            bad = await served.admin(path, method="PATCH", body=body, headers={"If-Match": "*"})
            assert bad.status == 400

    run_on_loop(main)


def test_keys_of_the_database_follow_their_tenant_and_find_those_that_are_new(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        tree = [{"name": "a"}, {"name": "b"}, {"name": "c", "children": [{"name": "d"}]}]
        async with ScriptedEngine(("m",)) as engine:
            engine.default = Answer(tokens=1)
            data = config(engine, tenants=tree)
            async with serving(data, folder=tmp_path, environment=ENVIRONMENT) as served:
                await served.logged("engine", up=True)

                async def done(method: str, path: str, body: Any = None) -> Any:
                    answer = await served.admin(f"/api/v1/{path}", method=method, body=body)
                    assert answer.status == 200, answer.body
                    return answer.json

                made = await done("POST", "keys", {"tenant": "c/d"})
                await done("POST", "tenants/c/d/move", {"to": ""})
                assert (await served.post(CHAT, key=made["secret"])).status == 200
                (listed,) = (await done("GET", "keys"))["keys"]
                assert (listed["tenant"], listed["state"]) == ("d", "in_force")
                # Its tenant goes and comes back: nobody's, then somebody's again.
                await done("DELETE", "tenants/d")
                assert (await served.post(CHAT, key=made["secret"])).status == 401
                await done("POST", "tenants", {"path": "d", "weight": 2})
                await served.logged("key_changed", key=made["id"], count=2)
                async with asyncio.timeout(20):
                    while (await served.post(CHAT, key=made["secret"])).status != 200:  # noqa: ASYNC110
                        await asyncio.sleep(0.02)
                assert await served.stop() == 0
            async with serving(data, folder=tmp_path, environment=ENVIRONMENT) as served:
                await served.logged("engine", up=True)
                assert (await served.post(CHAT, key=made["secret"])).status == 200

    run_on_loop(main, 60)
