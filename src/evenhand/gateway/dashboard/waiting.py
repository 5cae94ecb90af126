"""What waits at this moment, since when, and who is served instead."""

import asyncio
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from evenhand.gateway.admin import Caller, CallStatus, Page, Role, Status
from evenhand.gateway.admin.answer import error_answer, json_answer
from evenhand.gateway.admin.explained import explained_page
from evenhand.model import Outcome, TenantPath
from evenhand.scheduling.ticket import Ticket

ROWS_MAX: Final = 200
_ROWS: Final = 50
_INSTEAD_MAX: Final = 3


class WaitingQuery(BaseModel):
    """What is asked for."""

    model_config = ConfigDict(extra="forbid")

    tenant: Annotated[str, StringConstraints(max_length=512)] = ""
    """A node of the share tree; what waits beneath it is told. Empty: all."""
    limit: Annotated[int, Field(ge=1, le=ROWS_MAX)] = _ROWS
    """Requests that are told of, those first that came first."""


class Served(BaseModel):
    """A tenant that was served while a request waited."""

    tenant: str
    lane: str
    gate: str
    """Why it went first: own (came earlier), share (its turn), lane (another lane)."""
    requests: int
    units: int


class WaitingRow(BaseModel):
    """One request that waits."""

    request_id: str
    tenant: str
    lane: str
    model: str
    application: str
    waited_ms: int
    expected_units: int
    """What it is expected to cost."""
    gate: str | None
    sentence: str
    """Why it waits."""
    queued_before: int
    """Requests of its own tenant before it."""
    instead: list[Served]
    """Who was served meanwhile, most work first."""
    others: int
    """Starts of tenants that are not named."""


class Waiting(BaseModel):
    """The answer."""

    waiting: int
    """Requests that wait beneath that node."""
    left_out: int
    """Of these, how many have no row."""
    requests: list[WaitingRow]


class WaitingPage:
    """Asked now and then by whoever looks; explains one request at a time, so that the data path has its
    turn in between."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def page(self) -> Page:
        """Its route."""
        return Page(
            path="/api/v1/requests",
            role=Role.VIEWER,
            answer=self._answer,
            summary="What waits, since when, why, and who is served instead.",
            query=WaitingQuery,
            result=Waiting,
        )

    async def _answer(self, request: Request, _: Caller) -> Response:
        try:
            query = WaitingQuery.model_validate(dict(request.query_params))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            return error_answer(Outcome.BAD_REQUEST, f"{where}: {first['msg']}.")
        return json_answer(await self._told(_path(query.tenant), query.limit))

    async def _told(self, beneath: TenantPath, limit: int) -> dict[str, Any]:
        scheduler = self._status.scheduler
        node = scheduler.tree.find(beneath)
        waiting = 0 if node is None else node.queued_requests
        tickets = scheduler.backlog.first_come(beneath, limit)
        rows = []
        for ticket in tickets:
            row = self._row(ticket)
            if row is not None:
                rows.append(row)
            await asyncio.sleep(0)
        return {"waiting": waiting, "left_out": max(0, waiting - len(tickets)), "requests": rows}

    def _row(self, ticket: Ticket) -> dict[str, Any] | None:
        """None: it waits no more."""
        request = ticket.request
        why = self._status.why(request.id)
        if why is None or why.state != "waiting":
            return None
        page = explained_page(request.id, CallStatus("queued", request.tenant, None, None), why)
        assert page is not None
        return {
            "request_id": request.id,
            "tenant": "/".join(request.tenant),
            "lane": request.lane,
            "model": request.model,
            "application": request.application,
            "waited_ms": page["waited_ms"],
            "expected_units": ticket.expected_units,
            "gate": page["gate"],
            "sentence": page["sentences"][1] if len(page["sentences"]) > 1 else "",
            "queued_before": page["queued_before"],
            "instead": _instead(page),
            "others": page["others"],
        }


def _instead(page: dict[str, Any]) -> list[dict[str, Any]]:
    named = page["instead"][:_INSTEAD_MAX]
    return [{key: line[key] for key in Served.model_fields} for line in named]


def _path(text: str) -> TenantPath:
    return tuple(part for part in text.split("/") if part)
