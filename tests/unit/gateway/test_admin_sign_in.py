"""Signing in with a browser: the form, the cookie, and what other sites cannot do with it."""

from pathlib import Path

import pytest

from evenhand.gateway.admin import Role
from evenhand.gateway.admin.attempts import FAILURES_MAX, PER_FAILURE_S, SignInAttempts
from evenhand.gateway.admin.sessions import IDLE_S_MAX
from evenhand.gateway.identity import Grant
from evenhand.gateway.tls import Certificate
from evenhand.model import KeyId
from evenhand.telemetry import RequestLog
from support.admin import served
from support.certificates import make_pair, trusting
from support.desk import ADMINS, FROM_HERE, OPERATOR, OWNER, VIEWER, Clock, Desk, cookie_of, sign_in
from support.gateway import KEY_A, identity
from support.on_loop import run_on_loop


def test_each_credential_is_somebody() -> None:
    async def main() -> None:
        async with served(Desk().app) as client:
            for secret, role in ADMINS.items():
                who = (await client.ask("/who", f"Bearer {secret}")).json
                assert who == {"name": role.name.lower(), "role": role.name, "tenant": None}
            who = (await client.ask("/who", f"Bearer {KEY_A}")).json
            assert who == {"name": "env:a", "role": "TENANT", "tenant": "a"}

    run_on_loop(main)


def test_a_tenants_key_opens_nothing_of_the_operators() -> None:
    async def main() -> None:
        async with served(Desk().app) as client:
            for path in ("/state", "/metrics", "/observed", "/explain/req_1"):
                answer = await client.ask(path, f"Bearer {KEY_A}")
                assert answer.status == 403, path
                assert answer.error["code"] == "role_too_low"

    run_on_loop(main)


def test_signing_in_sets_a_cookie_that_no_script_and_no_other_site_gets() -> None:
    async def main() -> None:
        desk = Desk()
        async with served(desk.app) as client:
            form = await client.ask("/signin")
            assert form.status == 200
            assert b"<form" in form.body
            assert b"<script" not in form.body
            answer = await sign_in(client, OPERATOR)
            assert answer.status == 303
            assert answer.headers["location"] == "/"
            name, *rest = answer.headers["set-cookie"].split("; ")
            assert name.startswith("evenhand_session=")
            assert set(rest) == {"Path=/", "HttpOnly", "SameSite=Strict"}
            who = await client.ask("/who", head=cookie_of(answer))
            assert who.json["name"] == "operator"
            assert desk.told == [("signed_in", "operator")]

    run_on_loop(main)


def test_a_tenant_signs_in_with_its_key_and_lands_on_its_page() -> None:
    async def main() -> None:
        desk = Desk()
        async with served(desk.app) as client:
            answer = await sign_in(client, f" {KEY_A}\r\n")
            assert answer.headers["location"] == "/me"
            cookie = cookie_of(answer)
            assert (await client.ask("/who", head=cookie)).json["tenant"] == "a"
            assert (await client.ask("/state", head=cookie)).status == 403

    run_on_loop(main)


def test_under_tls_the_cookie_goes_over_tls_alone(tmp_path: Path) -> None:
    async def main() -> None:
        pair = make_pair(tmp_path, "admin")
        log = RequestLog(lambda _: None)
        certificate = Certificate("admin", pair, log)
        async with served(Desk().app, certificate=certificate, tls=trusting(pair)) as client:
            answer = await sign_in(client, OWNER)
            assert answer.status == 303
            cookie = answer.headers["set-cookie"]
            assert cookie.startswith("__Host-evenhand_session=")
            assert "; Secure" in cookie
            assert (await client.ask("/who", head=cookie_of(answer))).json["role"] == "OWNER"
        log.close()

    run_on_loop(main)


def test_signing_out_ends_the_session_on_our_side() -> None:
    async def main() -> None:
        desk = Desk()
        async with served(desk.app) as client:
            cookie = cookie_of(await sign_in(client, VIEWER))
            answer = await client.ask("/signout", method="POST", head=cookie + FROM_HERE)
            assert answer.status == 303
            assert answer.headers["location"] == "/signin"
            assert "Max-Age=0" in answer.headers["set-cookie"]
            assert (await client.ask("/who", head=cookie)).status == 401
            assert desk.told[-1] == ("signed_out", "viewer")

    run_on_loop(main)


def test_a_second_sign_in_takes_over_nothing() -> None:
    async def main() -> None:
        async with served(Desk().app) as client:
            first = cookie_of(await sign_in(client, VIEWER))
            second = cookie_of(await sign_in(client, OWNER, head=first))
            assert second != first
            assert (await client.ask("/who", head=first)).status == 401
            assert (await client.ask("/who", head=second)).json["role"] == "OWNER"
            planted = "cookie: evenhand_session=planted-by-somebody-else\r\n"
            own = cookie_of(await sign_in(client, OWNER, head=planted))
            assert "planted" not in own

    run_on_loop(main)


def test_revoking_the_key_or_changing_the_credentials_ends_the_session() -> None:
    async def main() -> None:
        desk = Desk()
        stored = identity("b", key_id=KeyId("key_1"))
        desk.keys.change(stored, [Grant(desk.keys.digest("sk-of-the-database-0123456789"))])
        async with served(desk.app) as client:
            tenant = cookie_of(await sign_in(client, "sk-of-the-database-0123456789"))
            operator = cookie_of(await sign_in(client, OPERATOR))
            assert (await client.ask("/who", head=tenant)).json["tenant"] == "b"
            desk.keys.take_out(KeyId("key_1"))
            assert (await client.ask("/who", head=tenant)).status == 401
            assert (await client.ask("/who", head=operator)).status == 200
            desk.credentials.replace([])
            desk.credentials.replace([(desk.doors.recognise(KEY_A).caller, "another-secret-01234")])  # type: ignore[union-attr]
            assert (await client.ask("/who", head=operator)).status == 401

    run_on_loop(main)


def test_an_idle_session_is_nobodys() -> None:
    async def main() -> None:
        desk = Desk()
        async with served(desk.app) as client:
            cookie = cookie_of(await sign_in(client, VIEWER))
            desk.clock.now_s += IDLE_S_MAX + 1
            assert (await client.ask("/who", head=cookie)).status == 401

    run_on_loop(main)


@pytest.mark.parametrize(
    "head",
    [
        "",  # a browser would have said
        "sec-fetch-site: cross-site\r\n",
        "sec-fetch-site: same-site\r\n",
        "sec-fetch-site: same-origin\r\nsec-fetch-site: same-origin\r\n",
        "origin: http://evil.example\r\n",
        "origin: null\r\n",
        "origin: http://localhost.evil.example\r\n",
        "origin: http://localhost:1\r\n",
        "origin: http://localhost\r\norigin: http://evil.example\r\n",
        "origin: http://localhost\r\nsec-fetch-site: cross-site\r\n",
        "referer: http://localhost/\r\n",
    ],
)
def test_another_site_cannot_use_the_cookie_to_change_anything(head: str) -> None:
    async def main() -> None:
        async with served(Desk().app) as client:
            cookie = cookie_of(await sign_in(client, OWNER))
            for method in ("POST", "PUT", "DELETE"):
                answer = await client.ask("/who", method=method, head=cookie + head)
                assert answer.status == 403, method
                assert answer.error["code"] == "other_site"

    run_on_loop(main)


@pytest.mark.parametrize(
    "head", ["sec-fetch-site: same-origin\r\n", "sec-fetch-site: none\r\n", FROM_HERE]
)
def test_a_page_of_ours_may(head: str) -> None:
    async def main() -> None:
        async with served(Desk().app) as client:
            cookie = cookie_of(await sign_in(client, OWNER))
            assert (await client.ask("/who", method="POST", head=cookie + head)).status == 200

    run_on_loop(main)


def test_a_program_with_a_credential_needs_no_origin_and_a_browser_led_here_gets_nowhere() -> None:
    async def main() -> None:
        async with served(Desk().app) as client:
            right = f"Bearer {OWNER}"
            assert (await client.ask("/who", right, method="POST")).status == 200
            led = await client.ask(
                "/who", right, method="POST", head="origin: http://evil.example\r\n"
            )
            assert led.status == 403
            led = await client.ask("/signin", method="POST", head="origin: http://evil.example\r\n")
            assert led.status == 403, "nobody is signed in by another site either"

    run_on_loop(main)


def test_an_open_listener_is_not_open_to_other_sites() -> None:
    """Where no credential is asked for, whoever is on this machine is the owner; a page from the network
    in a browser on this machine is not."""

    async def main() -> None:
        async with served(Desk(is_open=True).app) as client:
            for host in ("localhost", "localhost:8081", "127.0.0.1:8081", "[::1]:8081", "10.0.0.1"):
                assert (await client.ask("/who", host=host)).json["role"] == "OWNER", host
            for host in (
                "evil.example",
                "evil.example:8081",
                "localhost.evil.example",
                "x127.0.0.1",
            ):
                assert (await client.ask("/who", host=host)).status == 403, host
                assert (await client.ask("/livez", host=host)).status == 403, host
            assert (await client.ask("/who", method="POST")).status == 200
            led = await client.ask("/who", method="POST", head="sec-fetch-site: cross-site\r\n")
            assert led.status == 403
            # Somebody who shows a key is that tenant, to look at its page as it does.
            assert (await client.ask("/who", f"Bearer {KEY_A}")).json["tenant"] == "a"

    run_on_loop(main)


def test_names_of_this_listener_can_be_given() -> None:
    async def main() -> None:
        desk = Desk(host_names=("Evenhand.Example.org",))
        async with served(desk.app) as client:
            right = f"Bearer {OWNER}"
            for host in (
                "evenhand.example.org",
                "EVENHAND.example.org:443",
                "localhost",
                "10.1.2.3",
            ):
                assert (await client.ask("/who", right, host=host)).status == 200, host
            assert (await client.ask("/who", right, host="other.example.org")).status == 403

    run_on_loop(main)


@pytest.mark.parametrize(
    "host",
    ["", "a b", "a/b", "a@b", "a:b", "a:1:2", "[::1", "[evil]", "-a", "a\\b", "ä", "a?b", "a#b"],
)
def test_a_host_of_no_form_is_refused(host: str) -> None:
    async def main() -> None:
        async with served(Desk().app) as client:
            answer = await client.ask("/who", f"Bearer {OWNER}", host=host)
            assert answer.status == 400, host
            assert (await client.ask("/livez", host=host)).status == 400, host

    run_on_loop(main)


def test_a_browser_is_led_to_the_form_and_back() -> None:
    async def main() -> None:
        async with served(Desk().app) as client:
            html = "accept: text/html,*/*\r\n"
            answer = await client.ask("/who", head=html)
            assert answer.status == 303
            assert answer.headers["location"] == "/signin?next=/who"
            assert (await client.ask("/who")).status == 401, "a program is told"
            back = await sign_in(client, OWNER, to="/who")
            assert back.headers["location"] == "/who"

    run_on_loop(main)


@pytest.mark.parametrize(
    "to",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:x",
        "/x\r\nset-cookie: a=b",
        "x",
    ],
)
def test_the_form_leads_to_no_other_site(to: str) -> None:
    async def main() -> None:
        async with served(Desk().app) as client:
            assert (await sign_in(client, OWNER, to=to)).headers["location"] == "/"

    run_on_loop(main)


def test_guessing_is_slowed_down_per_address() -> None:
    async def main() -> None:
        desk = Desk()
        async with served(desk.app) as client:
            for _ in range(FAILURES_MAX):
                answer = await sign_in(client, "wrong-credential-0123456789")
                assert answer.status == 401
                assert b'role="alert"' in answer.body
                assert "set-cookie" not in answer.headers
            answer = await sign_in(client, OWNER)
            assert answer.status == 429, "not even the right one is looked at"
            assert 1 <= int(answer.headers["retry-after"]) <= PER_FAILURE_S
            assert (await client.ask("/who", f"Bearer {OWNER}")).status == 200
            assert desk.told == [("sign_in_failed", "nobody")] * FAILURES_MAX

    run_on_loop(main)


def test_failures_are_forgotten_one_by_one() -> None:
    clock = Clock()
    attempts = SignInAttempts(clock)
    for _ in range(FAILURES_MAX):
        assert attempts.wait_ms("a") == 0
        attempts.failed("a")
    assert attempts.wait_ms("a") == PER_FAILURE_S * 1000
    assert attempts.wait_ms("b") == 0
    clock.now_s += PER_FAILURE_S
    assert attempts.wait_ms("a") == 0
    attempts.failed("a")
    assert attempts.wait_ms("a") > 0
    clock.now_s += PER_FAILURE_S * FAILURES_MAX
    assert attempts.wait_ms("a") == 0


@pytest.mark.parametrize(
    "body", ["x" * 40_000, "&" * 20_000, "credential", "=", "credential=%ff%00"]
)
def test_a_strange_form_is_refused_and_nothing_breaks(body: str) -> None:
    async def main() -> None:
        async with served(Desk().app) as client:
            head = FROM_HERE + f"content-length: {len(body)}\r\n"
            answer = await client.ask("/signin", method="POST", head=head, body=body)
            assert answer.status in (401, 413)

    run_on_loop(main)


def test_every_answer_says_what_a_browser_may_do_with_it() -> None:
    async def main() -> None:
        async with served(Desk().app) as client:
            for path, lines in (
                ("/livez", ()),
                ("/state", ()),
                ("/signin", ()),
                ("/who", (f"Bearer {OWNER}",)),
            ):
                headers = (await client.ask(path, *lines)).headers
                assert "frame-ancestors 'none'" in headers["content-security-policy"]
                assert "script" not in headers["content-security-policy"], "none but our files'"
                assert headers["x-content-type-options"] == "nosniff"
                assert headers["x-frame-options"] == "deny"
                assert headers["cache-control"] == "no-store"
                assert "access-control-allow-origin" not in headers

    run_on_loop(main)


def test_roles_stand_in_order() -> None:
    assert Role.ANYONE < Role.TENANT < Role.VIEWER < Role.OPERATOR < Role.OWNER
