"""Every route of both listeners, with every credential that is not good enough for it: no pass.

The admin listener's routes are those that a real gateway has. A page that is for anybody, or for
tenants, must be named here, and one that changes something must ask for an operator: so a page that is
added without a thought about who may open it makes this fail.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from evenhand.gateway.admin import Page, Role
from evenhand.gateway.apis import APIS
from evenhand.gateway.identity import Grant
from evenhand.model import KeyId
from support.admin import Client
from support.desk import FROM_HERE, cookie_of, sign_in
from support.gateway import identity
from support.on_loop import run_on_loop
from support.scripted_engine import ScriptedEngine
from support.serve import ADMIN_KEY, KEY_A, KEY_B, configuration, url_engine
from support.tokens import ISSUER, OTHER_RSA, RSA, jwk, jwks, token
from support.whole_gateway import Whole, whole_gateway

FOR_ANYBODY = {
    "GET /livez",
    "GET /readyz",
    "GET /signin",
    "POST /signin",
    "POST /signout",
    "GET /openapi.json",
}
FOR_TENANTS = {
    "GET /",
    "GET /me",
    "GET /api/v1/live",
    "GET /api/v1/requests",
    "GET /api/v1/samples",
    "GET /api/v1/me",
    "GET /api/v1/me/requests",
    "GET /api/v1/me/explain/{request_id}",
    "GET /api/v1/me/keys",
    "GET /api/v1/usage",
    "GET /api/v1/statements",
    "GET /api/v1/statements/{tenant:path}",
    "GET /api/v1/budgets",
}

CHANGES_NOTHING = {"POST /api/v1/plan"}
"""Though it takes a body."""

EXPIRED, REVOKED = "sk-expired-0123456789-abcdef", "sk-revoked-0123456789-abcdef"
VIEWER, OPERATOR = "adm-viewer-0123456789-abcdef", "adm-operator-0123456789-abcdef"
GONE = "adm-credential-of-yesterday-0123456789"


def name_of(page: Page) -> str:
    return f"{page.method} {page.path}"


def test_every_page_has_an_expectation(tmp_path: Path) -> None:
    async def main() -> None:
        async with whole(tmp_path) as (gateway, _):
            assert len({page.path for page in gateway.pages}) > 15
            for page in gateway.pages:
                name = name_of(page)
                if page.path.startswith("/assets/"):
                    assert page.method == "GET", "files, the same for all"
                elif page.role is Role.ANYONE:
                    assert name in FOR_ANYBODY, name
                elif page.role is Role.TENANT:
                    assert name in FOR_TENANTS, name
                elif page.method != "GET" and name not in CHANGES_NOTHING:
                    assert page.role >= Role.OPERATOR, name

    run_on_loop(main)


@dataclass
class Credential:
    """A way to show who one is, and the highest role that it stands for."""

    what: str
    role: Role
    lines: tuple[str, ...] = ()
    head: str = ""


@dataclass
class Shown:
    """All of them."""

    bad: list[Credential] = field(default_factory=list)
    good: list[Credential] = field(default_factory=list)


@asynccontextmanager
async def whole(folder: Path) -> AsyncIterator[tuple[Whole, Client]]:
    keys = folder / "keys.json"
    keys.write_bytes(jwks(jwk(RSA, "rsa")))
    for name, secret in (("viewer", VIEWER), ("operator", OPERATOR)):
        (folder / name).write_text(secret)
        (folder / name).chmod(0o600)
    issuer = {
        "name": "corp",
        "issuer": ISSUER,
        "audience": "evenhand",
        "jwks_file": str(keys),
        "tenant": {"claim": "tenant"},
        "role": {"claim": "role", "values": {"v": "viewer", "o": "operator"}},
    }
    admin = {
        "listen": "127.0.0.1:0",
        "credential": "env:ADMIN_KEY",
        "credentials": [
            {"name": name, "role": name, "credential": f"file:{folder / name}"}
            for name in ("viewer", "operator")
        ],
    }
    async with ScriptedEngine() as engine:
        config = configuration(
            url_engine(engine.url),
            admin=admin,
            identity={"jwt": [issuer]},
            state={"folder": str(folder / "state")},
        )
        async with whole_gateway(config, folder) as gateway:
            ring = gateway.parts.keys
            ring.change(
                identity("a", key_id=KeyId("key_expired")), [Grant(ring.digest(EXPIRED), 1)]
            )
            ring.change(identity("a", key_id=KeyId("key_revoked")), [Grant(ring.digest(REVOKED))])
            yield gateway, Client(gateway.bound.admin_host, gateway.bound.admin_port)


async def shown(gateway: Whole, client: Client) -> Shown:
    """Every credential that opens nothing, and every one that opens something."""
    revoked = cookie_of(await sign_in(client, REVOKED))
    gateway.parts.keys.take_out(KeyId("key_revoked"))
    signed_out = cookie_of(await sign_in(client, OPERATOR))
    await client.ask("/signout", method="POST", head=signed_out + FROM_HERE)
    nobody = Role.ANYONE
    bad = [
        Credential("none", nobody),
        Credential("empty", nobody, ("",)),
        Credential("no secret", nobody, ("Bearer ",)),
        Credential("another scheme", nobody, (f"Basic {ADMIN_KEY}",)),
        Credential("without scheme", nobody, (ADMIN_KEY,)),
        Credential("one letter off", nobody, (f"Bearer {ADMIN_KEY[:-1]}x",)),
        Credential("twice", nobody, (f"Bearer {ADMIN_KEY}", f"Bearer {ADMIN_KEY}")),
        Credential("an earlier one", nobody, (f"Bearer {GONE}",)),
        Credential("expired key", nobody, (f"Bearer {EXPIRED}",)),
        Credential("revoked key", nobody, (f"Bearer {REVOKED}",)),
        Credential("expired token", nobody, (f"Bearer {token(exp=1)}",)),
        Credential("foreign token", nobody, (f"Bearer {token(OTHER_RSA)}",)),
        Credential("token for others", nobody, (f"Bearer {token(aud='x', role='o')}",)),
        Credential("token of nobody", nobody, (f"Bearer {token(tenant='none')}",)),
        Credential("as a query", nobody, (), f"x-api-key: {ADMIN_KEY}\r\n"),
        Credential("cookie of nobody", nobody, (), "cookie: evenhand_session=x\r\n"),
        Credential("credential as cookie", nobody, (), f"cookie: evenhand_session={ADMIN_KEY}\r\n"),
        Credential("signed out", nobody, (), signed_out),
        Credential("session of a revoked key", nobody, (), revoked),
    ]
    tenant = cookie_of(await sign_in(client, KEY_A))
    viewer = cookie_of(await sign_in(client, VIEWER))
    good = [
        Credential("tenant's key", Role.TENANT, (f"Bearer {KEY_A}",)),
        Credential("tenant's token", Role.TENANT, (f"Bearer {token()}",)),
        Credential("tenant's session", Role.TENANT, (), tenant),
        Credential("viewer", Role.VIEWER, (f"Bearer {VIEWER}",)),
        Credential("viewer's token", Role.VIEWER, (f"Bearer {token(role='v')}",)),
        Credential("viewer's session", Role.VIEWER, (), viewer),
        Credential("operator", Role.OPERATOR, (f"Bearer {OPERATOR}",)),
        Credential("operator's token", Role.OPERATOR, (f"Bearer {token(role='o')}",)),
    ]
    return Shown(bad, good)


def test_no_credential_that_is_not_good_enough_opens_a_page(tmp_path: Path) -> None:
    async def main() -> None:
        async with whole(tmp_path) as (gateway, client):
            every = await shown(gateway, client)
            asked = 0
            for page in gateway.pages:
                if page.role is Role.ANYONE:
                    continue
                for one in [*every.bad, *every.good]:
                    if one.role >= page.role:
                        continue
                    head = one.head + (FROM_HERE if "cookie" in one.head else "")
                    answer = await client.ask(
                        filled(page), *one.lines, method=page.method, head=head
                    )
                    wanted = 401 if one.role is Role.ANYONE else 403
                    assert answer.status == wanted, (name_of(page), one.what, answer.body)
                    code = answer.error["code"]
                    assert code == ("invalid_api_key" if wanted == 401 else "role_too_low")
                    asked += 1
            assert asked > 500

    run_on_loop(main, limit_s=55)


def test_what_is_good_enough_opens_it(tmp_path: Path) -> None:
    """Or the test above would be content with a listener that refuses everybody."""

    async def main() -> None:
        async with whole(tmp_path) as (gateway, client):
            every = await shown(gateway, client)
            for page in gateway.pages:
                if page.path == "/api/v1/live" or page.role is Role.ANYONE:
                    continue  # the one never ends
                right = Credential("owner", Role.OWNER, (f"Bearer {ADMIN_KEY}",))
                if "{" not in page.path:  # else what is asked for may be nobody's, or another's
                    right = next((one for one in every.good if one.role >= page.role), right)
                answer = await client.ask(filled(page), *right.lines, method=page.method)
                assert answer.status not in (401, 403), (name_of(page), right.what, answer.body)

    run_on_loop(main, limit_s=55)


def test_a_tenant_is_told_of_no_other_on_any_of_its_pages(tmp_path: Path) -> None:
    async def main() -> None:
        async with whole(tmp_path) as (gateway, client):
            for page in gateway.pages:
                if page.role is not Role.TENANT or page.path in ("/api/v1/live", "/", "/me"):
                    continue
                if page.path.startswith("/assets/"):
                    continue
                for key, other in ((KEY_A, "b"), (KEY_B, "a"), (token(tenant="b"), "a")):
                    asked = f"{filled(page)}?tenant={other}"
                    answer = await client.ask(asked, f"Bearer {key}")
                    # 400: it does not take a tenant's name at all.
                    assert answer.status in (400, 403, 404), (name_of(page), other, answer.body)

    run_on_loop(main)


def test_no_form_of_a_host_opens_anything(tmp_path: Path) -> None:
    """Starlette once took the path from a URL that it had put together with the Host header."""

    async def main() -> None:
        async with whole(tmp_path) as (gateway, client):
            hosts = [
                "livez",
                "x/livez?",
                "x/livez#",
                "localhost/livez?",
                "x@localhost",
                "a\tb",
                "x:y",
            ]
            for page in gateway.pages:
                if page.role is Role.ANYONE:
                    continue
                for host in hosts:
                    answer = await client.ask(filled(page), method=page.method, host=host)
                    assert answer.status in (400, 401), (name_of(page), host)
                raw = (
                    f"{page.method} http://x/livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
                )
                assert b" 200 " not in (await client.send(raw.encode()))[:20]

    run_on_loop(main, limit_s=55)


def test_the_data_listener_opens_for_keys_and_tokens_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with whole(tmp_path) as (gateway, _):
            gateway.parts.keys.take_out(KeyId("key_revoked"))
            data = Client(gateway.bound.host, gateway.bound.port)
            secrets = {
                "an expired key": EXPIRED,
                "a revoked key": REVOKED,
                "an unknown key": "sk-of-nobody-0123456789",
                "one letter off": f"{KEY_A[:-1]}x",
                "the owner's credential": ADMIN_KEY,
                "a viewer's credential": VIEWER,
                "an expired token": token(exp=1),
                "a foreign token": token(OTHER_RSA),
                "an admin's token": token(without=("tenant",), role="o"),
                "nothing": "",
            }
            asked: list[tuple[str, tuple[str, ...], str]] = [("none", (), ""), ("empty", ("",), "")]
            for what, secret in secrets.items():
                asked.append((what, (f"Bearer {secret}",), ""))
                asked.append((f"{what} as x-api-key", (), f"x-api-key: {secret}\r\n"))
            asked.append(("another scheme", (f"Basic {KEY_A}",), ""))
            asked.append(("a cookie", (), f"cookie: evenhand_session={KEY_A}\r\n"))
            asked.append(("both", (f"Bearer {EXPIRED}",), f"x-api-key: {KEY_A}\r\n"))
            for path in [*APIS, "/v1/models"]:
                method = "GET" if path == "/v1/models" else "POST"
                for what, lines, head in asked:
                    framing = "" if method == "GET" else "content-length: 2\r\n"
                    body = "" if method == "GET" else "{}"
                    answer = await data.ask(
                        path, *lines, method=method, head=head + framing, body=body
                    )
                    assert answer.status in (401, 403), (path, what, answer.body)
                right = await data.ask(
                    path, f"Bearer {KEY_A}", method=method, head=framing, body=body
                )
                assert right.status not in (401, 403), path
            for host in ("", "a b", "a/b", "a@b", "x\r\nhost: y"):
                answer = await data.ask("/v1/models", f"Bearer {KEY_A}", host=host)
                assert answer.status == 400, host

    run_on_loop(main, limit_s=55)


def filled(page: Page) -> str:
    """The path with something in its places."""
    return re.sub(r"\{[^}]+\}", "x", page.path)
