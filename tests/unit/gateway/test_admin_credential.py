"""Who may see which page of the admin listener: closed unless listed as open."""

import logging

import pytest
import uvloop
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from evenhand.gateway.admin import Role, gateway_pages
from support.admin import Answer, PlainStatus, app_of, served

OPEN_PATHS = {"/livez", "/readyz"}
CREDENTIAL = "canary-7f3a:not/for+logs="
RIGHT = f"Bearer {CREDENTIAL}"
WRONG: list[tuple[str, ...]] = [
    (),
    ("",),
    ("Bearer",),
    ("Bearer ",),
    (CREDENTIAL,),
    (f"Basic {CREDENTIAL}",),
    (f"Bearer {CREDENTIAL}x",),
    (f"Bearer {CREDENTIAL[:-1]}",),
    (f"Bearer {CREDENTIAL.upper()}",),
    (f"Bearer {CREDENTIAL} {CREDENTIAL}",),
    (f"Bearer \xe9{CREDENTIAL}",),
    ("Bearer wrong", RIGHT),
    (RIGHT, RIGHT),
]


def ask(asked: list[tuple[str, tuple[str, ...]]], credential: str | None) -> list[Answer]:
    """Answers to (path, authorization lines)."""
    app = app_of(PlainStatus(), credential=credential, tenants_max=10)

    async def main() -> list[Answer]:
        async with served(app) as client:
            return [await client.ask(path, *lines) for path, lines in asked]

    return uvloop.run(main())


def paths() -> list[str]:
    routes = app_of(PlainStatus(), credential=CREDENTIAL, tenants_max=10).routes
    assert all(isinstance(route, Route) for route in routes)
    return [route.path for route in routes if isinstance(route, Route)]


def shown(path: str) -> int:
    """The status of a page that may be seen; there is nothing to observe where the order is enforced,
    and nothing to explain of a request that never was."""
    return 404 if path in ("/observed", "/explain/{request_id}") else 200


def test_the_open_pages_are_these_two_and_exist() -> None:
    pages = gateway_pages(PlainStatus(), tenants_max=10)
    assert {page.path for page in pages if page.role is Role.ANYONE} == OPEN_PATHS
    assert set(paths()) == {
        "/livez",
        "/readyz",
        "/metrics",
        "/state",
        "/observed",
        "/explain/{request_id}",
    }


def test_every_page_but_the_open_ones_wants_the_credential() -> None:
    for path, answer in zip(paths(), ask([(p, ()) for p in paths()], CREDENTIAL), strict=True):
        assert (answer.status == 401) is (path not in OPEN_PATHS), path
    for path, answer in zip(
        paths(), ask([(p, (RIGHT,)) for p in paths()], CREDENTIAL), strict=True
    ):
        assert answer.status == shown(path), path


def test_without_a_configured_credential_every_page_is_open() -> None:
    answers = ask([(p, ()) for p in paths()], None)
    assert [answer.status for answer in answers] == [shown(path) for path in paths()]


def test_nothing_but_the_credential_opens_a_page() -> None:
    for lines, answer in zip(WRONG, ask([("/state", w) for w in WRONG], CREDENTIAL), strict=True):
        assert answer.status == 401, lines
        assert answer.headers["www-authenticate"] == "bearer"
        assert answer.headers["x-should-retry"] == "false"
        assert answer.error["code"] == "invalid_api_key"
        assert "Authorization: Bearer" in answer.error["message"]


def test_the_scheme_may_be_written_in_any_case() -> None:
    (answer,) = ask([("/state", (f"bEARER  {CREDENTIAL}",))], CREDENTIAL)
    assert answer.status == 200


@pytest.mark.parametrize(
    "path", ["/livez/", "//livez", "/livez/../state", "/livez%2f..%2fstate", "/LIVEZ", "/nothing"]
)
def test_what_only_resembles_an_open_path_is_closed(path: str) -> None:
    (answer,) = ask([(path, ())], CREDENTIAL)
    assert answer.status == 401


def test_a_page_that_is_added_without_a_policy_is_closed() -> None:
    async def added(_: Request) -> Response:
        return PlainTextResponse("should not be seen")

    app = app_of(PlainStatus(), credential=CREDENTIAL, tenants_max=10)
    app.router.routes.append(Route("/added", added))

    async def main() -> list[int]:
        async with served(app) as client:
            closed = await client.ask("/added")
            opened = await client.ask("/added", RIGHT)
            return [closed.status, opened.status]

    assert uvloop.run(main()) == [401, 200]


def test_an_empty_credential_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(AssertionError, match="empty"):
        app_of(PlainStatus(), credential="", tenants_max=10)


def test_the_credential_shows_nowhere(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    pages = ("state", "metrics", "nothing")
    asked: list[tuple[str, tuple[str, ...]]] = [
        *((f"/{page}?key={CREDENTIAL}", (RIGHT,)) for page in pages),
        ("/state", (RIGHT + "x",)),
    ]
    seen = "".join(answer.body.decode() + str(answer.headers) for answer in ask(asked, CREDENTIAL))
    written = capfd.readouterr()
    assert CREDENTIAL not in seen + caplog.text + written.out + written.err
