"""Secrets in every input that there is, and nowhere in what comes out: not in any page of the admin
listener for any role, in exports, in traces, in the audit, in the state folder or in the log."""

import base64
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from support.admin import Answer as AdminAnswer
from support.admin import Client
from support.desk import FROM_HERE, cookie_of, sign_in
from support.on_loop import run_on_loop
from support.otlp import receiving
from support.scripted_engine import ScriptedEngine
from support.serve import ADMIN_KEY, KEY_A, KEY_B, Served, configuration, serving, url_engine
from support.tokens import ISSUER, OTHER_RSA, RSA, jwk, jwks, token

ENGINE_KEY = "sk-engine-canary-0123456789abcdef"
HINTS = "hints-canary-0123456789abcdef"
COLLECTOR_KEY = "collector-canary-0123456789abcdef"
VIEWER = "adm-viewer-canary-0123456789abcdef"
STRANGER = "sk-stranger-canary-0123456789abcdef"
PROMPT = "prompt-canary-of-a-tenant"
MINE, ADMINS = token(tenant="a"), token(without=("tenant",), groups=["ops"])
FORGED = token(OTHER_RSA)
CANARIES = {
    "a client's key": KEY_A,
    "another client's key": KEY_B,
    "an unknown key": STRANGER,
    "the owner's credential": ADMIN_KEY,
    "a viewer's credential": VIEWER,
    "an engine's key": ENGINE_KEY,
    "a hints secret": HINTS,
    "a collector's key": COLLECTOR_KEY,
    "a prompt": PROMPT,
    "a tenant's token": MINE.rpartition(".")[2],
    "an admin's token": ADMINS.rpartition(".")[2],
    "a forged token": FORGED.rpartition(".")[2],
}
CHAT = {"model": "m", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 8}
FOR_PEOPLE = ("/", "/me", "/tenants", "/requests", "/engines", "/money", "/alarms", "/signin", "/x")


def leaks(data: bytes) -> set[str]:
    """Also in the forms in which a header or a URL could carry them."""
    return {
        what
        for what, canary in CANARIES.items()
        if any(form in data for form in forms(canary.encode()))
    }


def forms(canary: bytes) -> set[bytes]:
    return {
        canary,
        base64.b64encode(canary),
        canary[::-1],
        quote(canary).encode(),
        canary.hex().encode(),
    }


def setup(folder: Path, engine: str, collector: str) -> dict[str, Any]:
    (folder / "keys.json").write_bytes(jwks(jwk(RSA, "rsa")))
    issuer = {
        "name": "corp",
        "issuer": ISSUER,
        "audience": "evenhand",
        "jwks_file": str(folder / "keys.json"),
        "tenant": {"claim": "tenant"},
        "role": {"claim": "groups", "values": {"ops": "operator"}},
    }
    return configuration(
        url_engine(engine, api_key="env:ENGINE_KEY", fair_scheduler=True, hints_secret="env:HINTS"),
        admin={
            "listen": "127.0.0.1:0",
            "credential": "env:ADMIN_KEY",
            "credentials": [{"name": "grafana", "role": "viewer", "credential": "env:VIEWER"}],
        },
        identity={"jwt": [issuer]},
        traces={"endpoint": collector, "headers": {"authorization": "env:COLLECTOR_KEY"}},
        traffic_log={"file": "traffic.jsonl", "block_bytes": 64},
        state={"folder": "state"},
    )


async def send_secrets_everywhere(served: Served) -> list[bytes]:
    """Requests with secrets in all right and wrong places; what was answered."""
    said = []
    for key in (KEY_A, KEY_B, STRANGER, MINE, ADMINS, FORGED, ADMIN_KEY):
        for headers in (
            {},
            {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
            {"traceparent": STRANGER, "tracestate": KEY_B, "user-agent": ADMIN_KEY},
            {"x-request-id": KEY_A, "cookie": f"evenhand_session={ADMIN_KEY}", "x-api-key": KEY_B},
            {"x-evenhand-interaction": STRANGER[:5] + "!" + KEY_A},
            {"x-vllm-priority": VIEWER, "x-tenant-id": ENGINE_KEY},
        ):
            answer = await served.post(CHAT, key=key, headers=headers)
            said.append(str(answer.headers).encode() + answer.body.replace(PROMPT.encode(), b""))
    for path in ("/v1/messages", "/v1/responses", "/v1/embeddings", f"/v1/{KEY_A}"):
        body = CHAT | {"input": [PROMPT], "metadata": {"key": KEY_B}, "user": STRANGER}
        answer = await served.post(body, path=path, headers={"x-api-key": STRANGER})
        said.append(str(answer.headers).encode() + answer.body.replace(PROMPT.encode(), b""))
    return said


async def fill_in_secrets(
    client: Client, document: dict[str, Any]
) -> tuple[list[AdminAnswer], str]:
    """Secrets into every form and every body of the admin API; and the session's cookie."""
    answers = [await sign_in(client, secret) for secret in (STRANGER, FORGED, PROMPT)]
    answers.append(await sign_in(client, STRANGER, to=f"/{KEY_A}"))
    session = cookie_of(await sign_in(client, ADMINS))
    bodies = [
        {"credential": STRANGER, "key": KEY_B, "secret": ENGINE_KEY},
        {"changes": [{"place": "keys[x]", "value": {"key": STRANGER, "tenant": ADMIN_KEY}}]},
        {
            "place": "admin.credential",
            "value": KEY_B,
            "config": {"admin": {"credential": ADMIN_KEY}},
        },
        {"tenant": "a", "note": 7, "models": [STRANGER], "limits": {"spend_max": KEY_A}},
        [STRANGER],
        STRANGER,
    ]
    for path, operations in document["paths"].items():
        for method in operations.keys() - {"get"}:
            asked = re.sub(r"\{[^}]+\}", "x", path) + f"?key={KEY_B}"
            for body in bodies:
                answers += [await sent(client, asked, method.upper(), body)]
    head = session + FROM_HERE
    answers.append(await client.ask(f"/api/v1/plan?x={ADMIN_KEY}", method="POST", head=head))
    return answers, session


async def look_everywhere(
    client: Client, document: dict[str, Any], session: str
) -> list[AdminAnswer]:
    """Every page that can be read, for every role, also wrongly asked."""
    answers = []
    reads = [path for path, operations in document["paths"].items() if "get" in operations]
    for path in [*reads, *FOR_PEOPLE]:
        if path == "/api/v1/live":
            continue  # never ends; it tells what /api/v1/samples does
        whole = re.sub(r"\{[^}]+\}", "a", path)
        for key in (ADMIN_KEY, VIEWER, ADMINS, KEY_A, MINE, STRANGER, FORGED):
            answers += [await client.ask(whole, f"Bearer {key}", head="accept: text/html\r\n")]
        answers.append(await client.ask(whole, head=session))
        answers.append(await client.ask(f"{whole}?tenant={KEY_A}&period={STRANGER}", head=session))
        answers.append(await client.ask(f"/{KEY_A}{whole}", f"Bearer {STRANGER}"))
    exports = [f"/api/v1/usage?format={form}&by=key" for form in ("csv", "parquet")]
    return answers + [await client.ask(path, head=session) for path in exports]


def test_no_secret_comes_out_anywhere(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, receiving() as receiver:
            config = setup(tmp_path, engine.url, receiver.url)
            environment = {
                "ENGINE_KEY": ENGINE_KEY,
                "HINTS": HINTS,
                "COLLECTOR_KEY": COLLECTOR_KEY,
                "VIEWER": VIEWER,
            }
            async with serving(config, folder=tmp_path, environment=environment) as served:
                await served.logged("engine", up=True)
                said = await send_secrets_everywhere(served)
                client = Client(served.admin_host, served.admin_port)
                document = (await served.admin("/openapi.json")).json
                filled, session = await fill_in_secrets(client, document)
                answers = [*filled, *await look_everywhere(client, document, session)]
                made = await key_of(client)
                cookie = session.split("=")[1].strip()
                answers += await look_everywhere(client, document, session)
                assert {answer.status for answer in answers} >= {200, 303, 400, 401, 403, 404}
                said += [str(answer.headers).encode() + answer.body for answer in answers]
                assert await served.stop() == 0
                said.append(served.output.encode())
            said += receiver.bodies
            assert receiver.bodies
            said += [
                file.read_bytes() for file in (tmp_path / "state").rglob("*") if file.is_file()
            ]
            said.append((tmp_path / "traffic.jsonl").read_bytes())
            for data in said:
                assert not leaks(data), data[:2_000]
                assert made not in data
                assert cookie.encode() not in data

    run_on_loop(main, limit_s=58)


async def key_of(client: Client) -> bytes:
    """A key that was made over the API, whose answer is the only place that ever has it."""
    answer = await sent(client, "/api/v1/keys", "POST", {"tenant": "a"})
    assert answer.status in (200, 201), answer.body
    secret: str = answer.json["secret"]
    return secret.encode()


async def sent(client: Client, path: str, method: str, body: object) -> AdminAnswer:
    """With the owner's credential."""
    text = json.dumps(body)
    head = f"content-length: {len(text)}\r\ncontent-type: application/json\r\n"
    return await client.ask(path, f"Bearer {ADMIN_KEY}", method=method, head=head, body=text)


def test_the_search_finds_what_it_is_for() -> None:
    for form in forms(ENGINE_KEY.encode()):
        assert leaks(b"x" + form + b"y") == {"an engine's key"}
