"""Why one's own request waits, or waited, without a word about who the others are."""

from dataclasses import dataclass, replace
from typing import Final

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from evenhand.gateway.admin import Caller, CallStatus, Page, Role, Status
from evenhand.gateway.admin.answer import error_answer, json_answer
from evenhand.gateway.admin.explained import counted, explained_page
from evenhand.gateway.beneath import is_beneath
from evenhand.gateway.self_service.whose import WhoseQuery, whose
from evenhand.model import EngineName, Outcome, RequestId, TenantPath
from evenhand.scheduling import Explanation, Instead

OTHERS: Final = "another tenant"
_ENGINE: Final = EngineName("an engine")
_UNKNOWN = (
    "No request of yours with that id is known: the id is that of the answer's x-request-id header, and "
    "only the requests that are open or ended of late are remembered."
)
_WHY = {
    "share": "it was their turn by their shares",
    "lane": "their lane goes first",
    "own": "they had come earlier",
}


class ServedForm(BaseModel):
    """Who was served while the request waited."""

    tenant: str
    """One's own tenants by name; all others together as `another tenant`."""
    gate: str
    """`own`: came earlier. `share`: its turn by the shares. `lane`: a lane that goes first."""
    requests: int
    units: int


class MyExplanationForm(BaseModel):
    """What is known of it."""

    request_id: str
    tenant: str
    phase: str | None
    outcome: str | None
    gate: str | None
    message: str | None
    waited_ms: int
    queued_before: int
    """Requests of the own tenant that stand before it."""
    tenants_ahead: int
    """Other tenants that go first at this moment."""
    instead: list[ServedForm]
    sentences: list[str]
    """The same for people."""


@dataclass(frozen=True, slots=True)
class MyExplanationPage:
    status: Status

    def page(self) -> Page:
        return Page(
            path="/api/v1/me/explain/{request_id}",
            role=Role.TENANT,
            answer=self._answer,
            summary="Why a tenant's own request waits, or waited.",
            query=WhoseQuery,
            result=MyExplanationForm,
        )

    async def _answer(self, request: Request, caller: Caller) -> Response:
        path = whose(request, caller, self.status.scheduler.tree)
        if isinstance(path, Response):
            return path
        request_id = RequestId(request.path_params["request_id"])
        why, call = self.status.why(request_id), self.status.call(request_id)
        tenant = why.tenant if why is not None else call.tenant if call is not None else None
        if tenant is None or not is_beneath(tenant, path):
            # Not a word about whether somebody else has it.
            return error_answer(Outcome.NOT_FOUND, _UNKNOWN)
        return json_answer(my_explanation(request_id, call, why, path).model_dump())


def my_explanation(
    request_id: RequestId, call: CallStatus | None, why: Explanation | None, own: TenantPath
) -> MyExplanationForm:
    """What may be told to whoever is bound to the tenant `own`."""
    lines = [] if why is None else why.instead
    foreign = [line for line in lines if not is_beneath(line.tenant, own)]
    shown = [line for line in lines if is_beneath(line.tenant, own)]
    if why is not None:
        why = replace(why, instead=tuple(line for line in shown if line.gate == "own"))
    if call is not None and call.engine is not None:
        call = replace(call, engine=_ENGINE)
    page = explained_page(request_id, call, why)
    assert page is not None, "one of the two is there"
    told = [_served("/".join(line.tenant), [line]) for line in shown]
    gates = dict.fromkeys(line.gate for line in foreign)
    told += [_served(OTHERS, [line for line in foreign if line.gate == gate]) for gate in gates]
    return MyExplanationForm(
        tenants_ahead=0 if why is None else len(why.ahead),
        instead=told,
        sentences=page["sentences"] + [_sentence(form) for form in told if form.gate != "own"],
        **{name: page[name] for name in _SHARED},
    )


_SHARED: Final = tuple(
    MyExplanationForm.model_fields.keys() - {"tenants_ahead", "instead", "sentences"}
)


def _served(tenant: str, lines: list[Instead]) -> ServedForm:
    return ServedForm(
        tenant=tenant,
        gate=lines[0].gate,
        requests=sum(line.requests for line in lines),
        units=sum(line.units for line in lines),
    )


def _sentence(form: ServedForm) -> str:
    whose_ones = "other tenants" if form.tenant == OTHERS else form.tenant
    requests, were = counted(form.requests, form.units)
    return f"{requests} of {whose_ones} {were} started meanwhile: {_WHY[form.gate]}."
