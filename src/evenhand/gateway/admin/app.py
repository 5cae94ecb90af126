"""The pages of the admin listener."""

from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from evenhand.gateway.admin.answer import NOT_STORED, error_answer, json_answer
from evenhand.gateway.admin.credential import CredentialGate
from evenhand.gateway.admin.explained import explained_page
from evenhand.gateway.admin.observed import observed_page
from evenhand.gateway.admin.readiness import unmet_conditions
from evenhand.gateway.admin.state import LiveState
from evenhand.gateway.admin.status import Status
from evenhand.model import Outcome, RequestId
from evenhand.telemetry import CONTENT_TYPE

_PAGES = "The admin listener has GET /livez, /readyz, /metrics, /state, /observed and /explain/ID."
_NOT_OBSERVING = (
    "This gateway enforces its order and observes nothing. To try a fair order beside live traffic, "
    "start it with `mode: observe`."
)
_UNKNOWN = (
    "This gateway knows no such request: the id is that of the answer's x-request-id header, and only "
    "the requests that are open or ended of late are remembered."
)
_HTTP_OUTCOMES: Final = {
    404: (Outcome.NOT_FOUND, f"There is no such page. {_PAGES}"),
    405: (Outcome.METHOD_NOT_ALLOWED, f"This page is only read, with GET. {_PAGES}"),
}


def admin_app(status: Status, *, credential: str | None, tenants_max: int) -> Starlette:
    """Build the application. `credential` None: everything is open, which suits loopback only.
    `tenants_max` bounds the tenants that `/state` names."""
    pages = _Pages(status, tenants_max=tenants_max)
    routes = [
        Route("/livez", pages.livez),
        Route("/readyz", pages.readyz),
        Route("/metrics", pages.metrics),
        Route("/state", pages.state),
        Route("/observed", pages.observed),
        Route("/explain/{request_id}", pages.explain),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(CredentialGate, credential=credential)],
        exception_handlers={HTTPException: _http_error, Exception: _internal_error},
    )
    # A redirect would be built from the Host that the client sent.
    app.router.redirect_slashes = False
    return app


class _Pages:
    def __init__(self, status: Status, *, tenants_max: int) -> None:
        self._status = status
        self._live_state = LiveState(status, tenants_max=tenants_max)

    async def livez(self, _: Request) -> Response:
        return json_answer({"alive": True})

    async def readyz(self, _: Request) -> Response:
        reasons = unmet_conditions(self._status)
        status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
        return json_answer({"ready": not reasons, "reasons": reasons}, status)

    async def metrics(self, _: Request) -> Response:
        headers = NOT_STORED | {"content-type": CONTENT_TYPE}
        return Response(self._status.metrics.render(), headers=headers)

    async def state(self, _: Request) -> Response:
        return json_answer(self._live_state.snapshot())

    async def observed(self, _: Request) -> Response:
        shadow = self._status.shadow
        if shadow is None:
            return error_answer(Outcome.NOT_FOUND, _NOT_OBSERVING)
        return json_answer(observed_page(shadow))

    async def explain(self, request: Request) -> Response:
        request_id = RequestId(request.path_params["request_id"])
        why, call = self._status.why(request_id), self._status.call(request_id)
        page = explained_page(request_id, call, why)
        return error_answer(Outcome.NOT_FOUND, _UNKNOWN) if page is None else json_answer(page)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    fallback = (Outcome.BAD_REQUEST, f"The request was not understood. {_PAGES}")
    outcome, message = _HTTP_OUTCOMES.get(error.status_code, fallback)
    return error_answer(outcome, message, headers=error.headers)


async def _internal_error(_: Request, __: Exception) -> Response:
    message = "The admin listener failed; its trace is on the gateway's stderr. Report it."
    return error_answer(Outcome.INTERNAL_ERROR, message)
