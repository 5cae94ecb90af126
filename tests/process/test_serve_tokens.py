"""A gateway that takes tokens of an identity provider: on both listeners, while keys and configuration
change."""

import json
from pathlib import Path
from typing import Any

from support.admin import Client
from support.desk import FROM_HERE, sign_in
from support.issuer import publishing
from support.on_loop import run_on_loop
from support.scripted_engine import ScriptedEngine
from support.serve import ADMIN_KEY, KEY_A, Served, configuration, serving, url_engine
from support.tokens import EC, ED, ISSUER, RSA, jwk, jwks, token

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello there"}], "max_tokens": 8}


def issuer(**more: Any) -> dict[str, Any]:
    return {
        "name": "corp",
        "issuer": ISSUER,
        "audience": "evenhand",
        "tenant": {"claim": "tenant"},
        "application": {"claim": "azp"},
        "role": {"claim": "groups", "values": {"ops": "operator", "staff": "viewer"}},
    } | more


def with_issuer(engine: str, **more: Any) -> dict[str, Any]:
    return configuration(
        url_engine(engine), identity={"jwt": [issuer(**more)]}, state={"folder": "state"}
    )


def test_tokens_open_both_listeners_as_their_claims_say(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, publishing(jwks(jwk(RSA, "rsa"))) as provider:
            config = with_issuer(engine.url, jwks_url=provider.url)
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                while not provider.asked:
                    await served.get("/v1/models")
                mine = token(tenant="b", azp="bot")
                answer = await served.post(CHAT, key=mine)
                assert answer.status == 200, answer.body
                line = await served.logged("request")
                assert (line["tenant"], line["application"]) == ("b", "bot")
                accepted = await served.logged("token_accepted")
                assert (accepted["issuer"], accepted["subject"]) == ("corp", "alice")
                assert (await served.post(CHAT, key=KEY_A)).status == 200, "keys go on"
                await expect_words(served)
                await expect_roles(served, mine)
                await expect_sessions(served)
                assert await served.stop() == 0
                assert mine not in served.output
            state = (tmp_path / "state" / "evenhand.db").read_bytes()
            assert b"jwt:corp" in state
            assert b"alice" not in state, "subjects are no accounts"
            assert len(provider.asked) == 1, "no token makes us ask sooner than it is time to"

    run_on_loop(main)


async def expect_words(served: Served) -> None:
    """Who is refused is told why."""
    for text, status, code, word in (
        (token(tenant="nowhere"), 403, "no_tenant", "no such tenant"),
        (token(aud="other"), 401, "invalid_api_key", "another audience"),
        (token(EC, algorithm="ES256", key_id="new"), 401, "invalid_api_key", "not published"),
        (token(without=("tenant",), groups=["ops"]), 403, "no_tenant", "admin listener"),
        ("nonsense", 401, "invalid_api_key", "No valid API key"),
    ):
        answer = await served.post(CHAT, key=text)
        assert answer.status == status, answer.body
        assert answer.json["error"]["code"] == code
        assert word in answer.json["error"]["message"]
        assert answer.headers["x-should-retry"] == "false"


async def expect_roles(served: Served, mine: str) -> None:
    for text, role, tenant in (
        (mine, "tenant", "b"),
        (token(groups=["staff"]), "viewer", None),
        (token(groups=["x", "ops"]), "operator", None),
    ):
        me = (await served.admin("/api/v1/me", key=text)).json
        assert (me["caller"]["role"], me["tenant"]) == (role, tenant)
    assert (await served.admin("/state", key=mine)).status == 403
    assert (await served.admin("/state", key=token(aud="other"))).status == 401


async def expect_sessions(served: Served) -> None:
    client = Client(served.admin_host, served.admin_port)
    answer = await sign_in(client, token(groups=["staff"]))
    assert answer.status == 303
    cookie = f"cookie: {answer.headers['set-cookie'].split(';')[0]}\r\n"
    assert (await client.ask("/state", head=cookie)).status == 200
    answer = await client.ask("/signout", method="POST", head=cookie + FROM_HERE)
    assert answer.status == 303
    assert (await client.ask("/state", head=cookie)).status == 401


def test_issuers_and_credentials_change_while_the_gateway_runs(tmp_path: Path) -> None:
    async def main() -> None:
        keys = tmp_path / "keys.json"
        keys.write_bytes(jwks(jwk(RSA, "rsa")))
        async with ScriptedEngine() as engine:
            config = with_issuer(engine.url, jwks_file=str(keys))
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                first = token(tenant="b")
                other = token(ED, algorithm="EdDSA", key_id="ed", iss="https://second.example")
                assert (await served.post(CHAT, key=first)).status == 200, (
                    "from the first request on"
                )
                assert (await served.post(CHAT, key=other)).status == 401
                more = tmp_path / "more.json"
                more.write_bytes(jwks(jwk(ED, "ed")))
                second = {"name": "second", "issuer": "https://second.example"}
                config["identity"]["jwt"].append(issuer(jwks_file=str(more), **second))
                config["identity"]["jwt"][0]["tenant"] = {"claim": "tenant", "values": {"b": "a"}}
                new = "adm-credential-of-a-viewer-0123456789"
                secret = tmp_path / "viewer"
                secret.write_text(new)
                secret.chmod(0o600)
                config["admin"]["credentials"] = [
                    {"name": "grafana", "role": "viewer", "credential": f"file:{secret}"}
                ]
                assert (await served.admin("/metrics", key=new)).status == 401
                await reload(served, tmp_path, config)
                assert (await served.post(CHAT, key=other)).status == 200
                assert (await served.post(CHAT, key=first)).status == 200
                assert (await served.logged("request", 3))["tenant"] == "a", (
                    "as the claim means now"
                )
                assert (await served.admin("/metrics", key=new)).status == 200
                assert (await served.admin("/metrics", key=ADMIN_KEY)).status == 200
                del config["admin"]["credentials"], config["identity"]
                await reload(served, tmp_path, config)
                assert (await served.admin("/metrics", key=new)).status == 401
                assert (await served.post(CHAT, key=first)).status == 401

    run_on_loop(main)


async def reload(served: Served, folder: Path, config: dict[str, Any]) -> None:
    (folder / "evenhand.yaml").write_text(json.dumps(config))
    before = sum(line["event"] == "configuration_changed" for line in served.lines)
    served.signal(1)
    await served.logged("configuration_changed", before + 1)
