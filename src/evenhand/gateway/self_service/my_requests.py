"""The requests of a tenant: those that are open, and those that ended of late."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from evenhand.gateway.admin import Caller, Page, Role, Status
from evenhand.gateway.admin.answer import error_answer, json_answer
from evenhand.gateway.beneath import is_beneath
from evenhand.gateway.self_service.whose import WhoseQuery, whose
from evenhand.model import Outcome, TenantPath

ROWS_MAX = 500


class MyRequestsQuery(WhoseQuery):
    """Whose, and how many."""

    limit: Annotated[int, Field(ge=1, le=ROWS_MAX)] = 100
    """Most rows of either list."""


class OpenForm(BaseModel):
    """A request that has not ended."""

    request_id: str
    tenant: str
    application: str
    lane: str
    model: str | None
    phase: str
    """`reading`, `tokenising`, `holding` (for its budget), `queued`, `running`, `recording`."""
    age_ms: int


class EndedForm(BaseModel):
    """A request that has ended."""

    request_id: str
    tenant: str
    application: str
    lane: str
    model: str | None
    outcome: str
    status: int
    message: str | None
    """The error that its client was told."""
    queue_wait_ms: float | None
    ttft_ms: float | None
    duration_ms: float
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int


class MyRequestsForm(BaseModel):
    """Open ones oldest first, ended ones last first."""

    open: list[OpenForm]
    open_left_out: int
    ended: list[EndedForm]


@dataclass(frozen=True, slots=True)
class MyRequestsPage:
    status: Status

    def page(self) -> Page:
        return Page(
            path="/api/v1/me/requests",
            role=Role.TENANT,
            answer=self._answer,
            summary="A tenant's open requests, and those that ended of late.",
            query=MyRequestsQuery,
            result=MyRequestsForm,
        )

    async def _answer(self, request: Request, caller: Caller) -> Response:
        try:
            query = MyRequestsQuery.model_validate(dict(request.query_params))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            return error_answer(Outcome.BAD_REQUEST, f"{where}: {first['msg']}.")
        path = whose(request, caller, self.status.scheduler.tree)
        if isinstance(path, Response):
            return path
        opened = self._open(path)
        form = MyRequestsForm(
            open=opened[: query.limit],
            open_left_out=max(0, len(opened) - query.limit),
            ended=list(islice(self._ended(path), query.limit)),
        )
        return json_answer(form.model_dump())

    def _open(self, path: TenantPath) -> list[OpenForm]:
        rows = [
            OpenForm(
                request_id=call.request_id,
                tenant="/".join(call.tenant),
                application=call.application,
                lane=call.lane,
                model=call.model,
                phase=call.phase,
                age_ms=call.age_ms,
            )
            for call in self.status.open_calls()
            if is_beneath(call.tenant, path)
        ]
        return sorted(rows, key=lambda row: -row.age_ms)

    def _ended(self, path: TenantPath) -> Iterator[EndedForm]:
        for record, message in self.status.ended_calls():
            tenant = record["tenant"]
            if tenant is None or not is_beneath(tenant, path):
                continue
            yield EndedForm(
                tenant="/".join(tenant),
                outcome=str(record["outcome"]),
                message=message,
                **{name: record[name] for name in _TOLD},  # type: ignore[literal-required]
            )


_TOLD = tuple(EndedForm.model_fields.keys() - {"tenant", "outcome", "message"})
