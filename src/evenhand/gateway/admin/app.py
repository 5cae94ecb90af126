"""The application of the admin listener: its pages behind its gate."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from evenhand.gateway.admin.access import NOBODY, Access, Caller
from evenhand.gateway.admin.answer import error_answer
from evenhand.gateway.admin.gate import CALLER, Gate, may_open, unauthenticated
from evenhand.gateway.admin.page import Page
from evenhand.model import Outcome

_WHERE = "There are /livez, /readyz, /metrics, /state and more; docs/operating.md lists them."
_HTTP_OUTCOMES: Final = {
    404: (Outcome.NOT_FOUND, f"There is no such page. {_WHERE}"),
    405: (Outcome.METHOD_NOT_ALLOWED, f"This page does not take that method. {_WHERE}"),
}


def admin_app(pages: Sequence[Page], access: Access, host_names: Collection[str] = ()) -> Starlette:
    """Build the application from its pages. What none of them names does not exist. `host_names`: see
    `Gate`."""
    app = Starlette(
        routes=_routes(pages),
        middleware=[Middleware(Gate, access=access, pages=pages, host_names=host_names)],
        exception_handlers={HTTPException: _http_error, Exception: _internal_error},
    )
    # A redirect would be built from the Host that the client sent.
    app.router.redirect_slashes = False
    return app


def _routes(pages: Sequence[Page]) -> list[Route]:
    """A route for each path: its methods are told apart here, so that 405 names them."""
    paths: dict[str, dict[str, Page]] = {}
    for page in pages:
        methods = paths.setdefault(page.path, {})
        assert page.method not in methods, f"{page.method} {page.path} is there twice"
        methods[page.method] = page
    return [
        Route(path, _endpoint(methods), methods=list(methods)) for path, methods in paths.items()
    ]


def _endpoint(methods: Mapping[str, Page]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        # Starlette answers HEAD where it answers GET.
        page = methods["GET" if request.method == "HEAD" else request.method]
        caller: Caller = request.scope[CALLER]
        if not may_open(page, caller):
            if caller is NOBODY:
                return unauthenticated()
            message = (
                f"{page.method} {page.path} wants the role {page.role.name.lower()}, and "
                f"{caller.name} has the role {caller.role.name.lower()}. Use another credential."
            )
            return error_answer(Outcome.ROLE_TOO_LOW, message)
        return await page.answer(request, caller)

    return endpoint


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    fallback = (Outcome.BAD_REQUEST, f"The request was not understood. {_WHERE}")
    outcome, message = _HTTP_OUTCOMES.get(error.status_code, fallback)
    return error_answer(outcome, message, headers=error.headers)


async def _internal_error(_: Request, __: Exception) -> Response:
    message = "The admin listener failed; its trace is on the gateway's stderr. Report it."
    return error_answer(Outcome.INTERNAL_ERROR, message)
