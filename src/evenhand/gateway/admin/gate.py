"""Who may open which page: closed unless a page says otherwise."""

from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from evenhand.gateway.admin.access import NOBODY, Access, Caller, Role
from evenhand.gateway.admin.answer import error_answer
from evenhand.gateway.admin.page import Page
from evenhand.model import Outcome

CALLER: Final = "evenhand.caller"
"""Where the scope has who calls."""

_WANTED = (
    "This page of the admin listener wants its own credential: send "
    "`Authorization: Bearer <credential>` with the value that `admin.credential` names in the "
    "configuration. API keys of tenants are not accepted."
)


class Gate:
    """Finds out who calls before `app` sees the request. Only the open pages are for nobody; every other
    path wants somebody, also one that does not exist. Roles are the pages' own to ask for
    (`may_open`)."""

    def __init__(self, app: ASGIApp, *, access: Access, pages: Iterable[Page]) -> None:
        self._app = app
        self._access = access
        self._open = frozenset(page.path for page in pages if page.role is Role.ANYONE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in self._open:
            scope[CALLER] = NOBODY
        else:
            scope[CALLER] = caller = await self._access.caller(scope)
            if caller is NOBODY:
                headers = {"www-authenticate": "Bearer"}
                answer = error_answer(Outcome.UNAUTHENTICATED, _WANTED, headers=headers)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


def may_open(page: Page, caller: Caller) -> bool:
    """Whether the caller's role is enough for that page."""
    return caller.role >= page.role
