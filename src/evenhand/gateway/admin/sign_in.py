"""Signing in with a browser, and out again."""

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from evenhand.gateway.admin import cookie
from evenhand.gateway.admin.access import NOBODY, Caller, Role
from evenhand.gateway.admin.answer import NOT_STORED
from evenhand.gateway.admin.attempts import SignInAttempts
from evenhand.gateway.admin.doors import Doors
from evenhand.gateway.admin.gate import SIGN_IN
from evenhand.gateway.admin.own_site import PLAIN_PATH
from evenhand.gateway.admin.page import Page
from evenhand.gateway.admin.sign_in_form import sign_in_form
from evenhand.model import ENDINGS, Outcome
from evenhand.wire.error import error_headers

_FORM_BYTES_MAX: Final = 32 << 10
_WRONG = (
    "That is no credential and no API key of this gateway, or not any more. Look for typing errors."
)
_TOO_MUCH = "That is too long for a credential. Enter it again."

Told = Callable[[str, Caller], None]
"""Is told what somebody did: "signed_in", "signed_out" or "sign_in_failed"."""


def sign_in_pages(doors: Doors, told: Told) -> list[Page]:
    """The form, what it is sent to, and the way out."""
    own = _SignInPages(doors, told)
    return [
        Page(path=SIGN_IN, role=Role.ANYONE, answer=own.form, summary="Where one signs in."),
        Page(
            path=SIGN_IN,
            method="POST",
            role=Role.ANYONE,
            answer=own.sign_in,
            summary="Signs in with a credential or an API key.",
        ),
        Page(
            path="/signout",
            method="POST",
            role=Role.ANYONE,
            answer=own.sign_out,
            summary="Ends the session.",
        ),
    ]


class _SignInPages:
    def __init__(self, doors: Doors, told: Told) -> None:
        self._doors = doors
        self._told = told
        self._attempts = SignInAttempts()

    async def form(self, request: Request, _: Caller) -> Response:
        return _form(_own_path(request.query_params.get("next")))

    async def sign_in(self, request: Request, _: Caller) -> Response:
        form = await _read_form(request)
        if form is None:
            return _form("", Outcome.BODY_TOO_LARGE, _TOO_MUCH)
        to = _own_path(form.get("next"))
        address = request.client.host if request.client else ""
        wait_ms = self._attempts.wait_ms(address)
        if wait_ms:
            # Not even looked at: to try on costs a guesser the wait, also with the right one.
            problem = f"Too many attempts. Try again in {-(-wait_ms // 1000)} seconds."
            return _form(to, Outcome.RATE_LIMITED, problem, wait_ms)
        shown = self._doors.recognise(form.get("credential", "").strip())
        if shown is None:
            self._attempts.failed(address)
            self._told("sign_in_failed", NOBODY)
            return _form(to, Outcome.UNAUTHENTICATED, _WRONG)
        self._end(request)
        token = self._doors.sessions.begin(shown)
        self._told("signed_in", shown.caller)
        home = "/me" if shown.caller.role is Role.TENANT else "/"
        headers = {"set-cookie": cookie.setting(request.scope, token)}
        return RedirectResponse(to or home, 303, NOT_STORED | headers)

    async def sign_out(self, request: Request, _: Caller) -> Response:
        self._end(request)
        headers = {"set-cookie": cookie.taking_back(request.scope)}
        return RedirectResponse(SIGN_IN, 303, NOT_STORED | headers)

    def _end(self, request: Request) -> None:
        """A session is never taken over by the next one."""
        token = cookie.token_of(request.scope)
        caller = NOBODY if token is None else self._doors.sessions.end(token)
        if caller is not NOBODY:
            self._told("signed_out", caller)


async def _read_form(request: Request) -> dict[str, str] | None:
    """The first value of each of its fields; None: it is too large for a form of ours."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _FORM_BYTES_MAX:
            return None
    fields = parse_qs(body.decode("latin-1"), max_num_fields=8) if body.count(b"&") < 8 else {}
    return {name: values[0] for name, values in fields.items()}


def _own_path(text: str | None) -> str:
    """A path of this listener, or nothing: never another site."""
    return text if text and PLAIN_PATH.fullmatch(text) else ""


def _form(
    to: str,
    outcome: Outcome = Outcome.COMPLETED,
    problem: str | None = None,
    wait_ms: int | None = None,
) -> Response:
    headers = dict(error_headers(outcome, wait_ms)) if problem else {}
    headers.pop("content-type", None)
    text = sign_in_form(to, problem)
    return HTMLResponse(text, ENDINGS[outcome].status, NOT_STORED | headers)
