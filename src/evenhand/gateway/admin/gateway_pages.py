"""The pages that every gateway has: is it alive, is it ready, what does it count, how does it stand."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from evenhand.gateway.admin.access import Caller, Role
from evenhand.gateway.admin.answer import NOT_STORED, error_answer, json_answer
from evenhand.gateway.admin.explained import explained_page
from evenhand.gateway.admin.observed import observed_page
from evenhand.gateway.admin.page import Page
from evenhand.gateway.admin.readiness import unmet_conditions
from evenhand.gateway.admin.state import LiveState
from evenhand.gateway.admin.status import Status
from evenhand.model import Outcome, RequestId
from evenhand.telemetry import CONTENT_TYPE

_NOT_OBSERVING = (
    "This gateway enforces its order and observes nothing. To try a fair order beside live traffic, "
    "start it with `mode: observe`."
)
_UNKNOWN = (
    "This gateway knows no such request: the id is that of the answer's x-request-id header, and only "
    "the requests that are open or ended of late are remembered."
)


def gateway_pages(status: Status, *, tenants_max: int) -> list[Page]:
    """`tenants_max` bounds the tenants that `/state` names."""
    own = _GatewayPages(status, tenants_max=tenants_max)
    return [
        Page(path="/livez", role=Role.ANYONE, answer=own.livez, summary="Whether it is alive."),
        Page(path="/readyz", role=Role.ANYONE, answer=own.readyz, summary="Whether it serves."),
        Page(path="/metrics", role=Role.VIEWER, answer=own.metrics, summary="For Prometheus."),
        Page(
            path="/state", role=Role.VIEWER, answer=own.state, summary="The state of this moment."
        ),
        Page(
            path="/observed",
            role=Role.VIEWER,
            answer=own.observed,
            summary="What the tried order would have changed.",
        ),
        Page(
            path="/explain/{request_id}",
            role=Role.VIEWER,
            answer=own.explain,
            summary="Why a request waits, or waited.",
        ),
    ]


class _GatewayPages:
    def __init__(self, status: Status, *, tenants_max: int) -> None:
        self._status = status
        self._live_state = LiveState(status, tenants_max=tenants_max)

    async def livez(self, _: Request, __: Caller) -> Response:
        return json_answer({"alive": True})

    async def readyz(self, _: Request, __: Caller) -> Response:
        reasons = unmet_conditions(self._status)
        status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
        return json_answer({"ready": not reasons, "reasons": reasons}, status)

    async def metrics(self, _: Request, __: Caller) -> Response:
        headers = NOT_STORED | {"content-type": CONTENT_TYPE}
        return Response(self._status.metrics.render(), headers=headers)

    async def state(self, _: Request, __: Caller) -> Response:
        return json_answer(self._live_state.snapshot())

    async def observed(self, _: Request, __: Caller) -> Response:
        shadow = self._status.shadow
        if shadow is None:
            return error_answer(Outcome.NOT_FOUND, _NOT_OBSERVING)
        return json_answer(observed_page(shadow))

    async def explain(self, request: Request, _: Caller) -> Response:
        request_id = RequestId(request.path_params["request_id"])
        why, call = self._status.why(request_id), self._status.call(request_id)
        page = explained_page(request_id, call, why)
        return error_answer(Outcome.NOT_FOUND, _UNKNOWN) if page is None else json_answer(page)
