"""`/api/v1/engines`: how the engines stand; drained and resumed by hand."""

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from evenhand.cli.api.reading import query_of
from evenhand.cli.api.told import NoQuery, refusing
from evenhand.cli.engine_desk import EngineDesk
from evenhand.gateway.admin import Caller, Page, Role
from evenhand.gateway.admin.answer import error_answer, json_answer
from evenhand.model import Outcome


class EngineTold(BaseModel):
    """An engine as it stands."""

    name: str
    up: bool
    reason: str
    drained: bool
    """The operator gives it no more requests, until it is resumed or the gateway starts anew."""
    circuit: str
    circuit_because: str | None
    window: int
    in_flight: int
    given_up: int


class EnginesTold(BaseModel):
    """All of them."""

    engines: list[EngineTold]


_Act = Callable[[str, str], Awaitable[dict[str, Any]]]
"""What is done to an engine, by whom."""


def engines_pages(desk: EngineDesk) -> list[Page]:
    """All of them."""

    async def show(request: Request, _: Caller) -> Response:
        query_of(request, NoQuery)
        return json_answer({"engines": desk.rows()})

    async def drain(request: Request, caller: Caller) -> Response:
        query_of(request, NoQuery)
        return await done(desk.drain, request, caller)

    async def resume(request: Request, caller: Caller) -> Response:
        query_of(request, NoQuery)
        return await done(desk.resume, request, caller)

    async def done(act: _Act, request: Request, caller: Caller) -> Response:
        name = request.path_params["name"]
        if all(name != row["name"] for row in desk.rows()):
            known = ", ".join(sorted(row["name"] for row in desk.rows()))
            message = f"There is no engine {name[:100]!r}: name one of {known}."
            return error_answer(Outcome.NOT_FOUND, message)
        return json_answer(await act(name, caller.name))

    return [
        Page(
            path="/api/v1/engines",
            role=Role.VIEWER,
            answer=refusing(show),
            summary="The engines, whether they take requests, and why not more.",
            query=NoQuery,
            result=EnginesTold,
        ),
        Page(
            path="/api/v1/engines/{name}/drain",
            method="POST",
            role=Role.OPERATOR,
            answer=refusing(drain),
            summary="Give an engine no more requests; those that it has end there.",
            query=NoQuery,
            result=EngineTold,
        ),
        Page(
            path="/api/v1/engines/{name}/resume",
            method="POST",
            role=Role.OPERATOR,
            answer=refusing(resume),
            summary="Give an engine requests again.",
            query=NoQuery,
            result=EngineTold,
        ),
    ]
