"""A page of the admin listener: where it is, who may open it, and what it answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from evenhand.gateway.admin.access import Caller, Role

Answer = Callable[[Request, Caller], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One method of one path. `role` is the least that opens it; a page of `Role.TENANT` bounds what it
    tells by `caller.tenant`. `query`, `body` and `result` are what it takes and gives, for the OpenAPI
    document; `summary` is its one line there."""

    path: str
    role: Role
    answer: Answer
    summary: str
    method: str = "GET"
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    result: type[BaseModel] | None = None
    also_gives: tuple[str, ...] = ()
    """Media types other than JSON that it answers with, where it is asked to."""
