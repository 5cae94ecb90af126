"""Who may open which page: closed unless a page says otherwise."""

from collections.abc import Collection, Iterable
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evenhand.gateway.admin import own_site
from evenhand.gateway.admin.access import NOBODY, Access, Caller, Role
from evenhand.gateway.admin.answer import NOT_STORED, error_answer
from evenhand.gateway.admin.page import Page
from evenhand.model import Outcome

CALLER: Final = "evenhand.caller"
"""Where the scope has who calls."""

SIGN_IN: Final = "/signin"

_WANTED = (
    "This page of the admin listener wants a credential: send `Authorization: Bearer <credential>` with "
    "the value of `admin.credential` or of one of `admin.credentials` in the configuration; a tenant's "
    f"API key opens what is under /api/v1/me. In a browser, open {SIGN_IN}."
)
_STRANGE_HOST = (
    "The Host header names a host by which this admin listener is not known. Use its address or "
    "localhost, or add the name to `admin.host_names` in the configuration."
)
_OTHER_SITE = (
    "A page of another site has made your browser send this, so nothing was done. Open the admin "
    "listener's own page and do it there."
)


class Gate:
    """Finds out who calls before `app` sees the request. Only the open pages are for nobody; every other
    path wants somebody, also one that does not exist. Roles are the pages' own to ask for
    (`may_open`). What a browser sends on behalf of another site ends here."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        access: Access,
        pages: Iterable[Page],
        host_names: Collection[str] = (),
    ) -> None:
        """`host_names` are those of this listener besides its addresses; empty: any, as long as a
        credential is asked for."""
        self._app = app
        self._access = access
        self._host_names = frozenset(name.lower() for name in host_names)
        paths = {page.path for page in pages}
        self._open = [
            compile_path(path)[0]
            for path in {page.path for page in pages if page.role is Role.ANYONE}
        ]
        self._has_sign_in = SIGN_IN in paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        send = _with_headers(send)
        refusal = self._is_led_here(scope)
        if refusal is None:
            scope[CALLER] = caller = await self._access.caller(scope)
            if caller is NOBODY and not self._is_open(scope["path"]):
                refusal = self._who_is_it(scope)
        await (refusal or self._app)(scope, receive, send)

    def _is_open(self, path: str) -> bool:
        return any(pattern.match(path) for pattern in self._open)

    def _is_led_here(self, scope: Scope) -> Response | None:
        """The answer to what another site has a browser send."""
        host = own_site.host_of(scope)
        if host is None:
            return error_answer(
                Outcome.BAD_REQUEST, "Send one Host header: the host, and its port."
            )
        is_named = self._host_names or self._access.stands_open
        if is_named and not own_site.is_host_of_ours(host, self._host_names):
            return error_answer(Outcome.OTHER_SITE, _STRANGE_HOST)
        if scope["method"] in own_site.SAFE_METHODS:
            return None
        if own_site.comes_from_elsewhere(scope, host):
            return error_answer(Outcome.OTHER_SITE, _OTHER_SITE)
        names = {name for name, _ in scope["headers"]}
        is_by_cookie = b"cookie" in names and b"authorization" not in names
        if is_by_cookie and not own_site.comes_from_here(scope, host):
            return error_answer(Outcome.OTHER_SITE, _OTHER_SITE)
        return None

    def _who_is_it(self, scope: Scope) -> Response:
        """The answer to whoever shows nothing, or nothing right."""
        headers = dict(scope["headers"])
        if (
            self._has_sign_in
            and scope["method"] == "GET"
            and b"authorization" not in headers
            and b"text/html" in headers.get(b"accept", b"")
        ):
            path = scope["path"]
            to = f"{SIGN_IN}?next={path}" if own_site.PLAIN_PATH.fullmatch(path) else SIGN_IN
            return RedirectResponse(to, 303, NOT_STORED)
        return unauthenticated()


def unauthenticated() -> Response:
    """What to do for somebody who is nobody here."""
    headers = {"www-authenticate": "Bearer"}
    return error_answer(Outcome.UNAUTHENTICATED, _WANTED, headers=headers)


def may_open(page: Page, caller: Caller) -> bool:
    """Whether the caller's role is enough for that page."""
    return caller.role >= page.role


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            headers.setdefault("content-security-policy", own_site.POLICY)
            headers.setdefault("cache-control", "no-store")
            for name, value in own_site.HEADERS:
                headers[name] = value
        await send(message)

    return sending
