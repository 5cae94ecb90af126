"""Whose figures somebody asks for, and whether that is theirs to ask."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from evenhand.gateway.admin import Caller
from evenhand.gateway.admin.answer import error_answer
from evenhand.gateway.beneath import is_beneath
from evenhand.model import Outcome, TenantPath
from evenhand.scheduling import ShareTree

TenantText = Annotated[str, StringConstraints(max_length=600)]


class WhoseQuery(BaseModel):
    """What every page under /api/v1/me takes."""

    model_config = ConfigDict(extra="forbid")

    tenant: TenantText | None = Field(default=None, examples=["acme/search"])
    """For viewers: the tenant whose page this is. A tenant's own key may name what lies beneath it."""


def whose(request: Request, caller: Caller, tree: ShareTree) -> TenantPath | Response:
    """The tenant that is asked about, which exists; or the answer that says why not."""
    asked = request.query_params.get("tenant")
    bound = caller.tenant
    if asked is None and bound is None:
        message = "Name the tenant, as in ?tenant=acme/search: your credential is no tenant's."
        return error_answer(Outcome.BAD_REQUEST, message)
    path = bound if asked is None else tuple(asked.split("/"))
    assert path is not None
    # The same answer for what does not exist and for what is somebody else's.
    is_own = bound is None or is_beneath(path, bound)
    if not is_own or not all(path) or tree.find(path) is None:
        return error_answer(Outcome.NOT_FOUND, "There is no such tenant that you may ask about.")
    return path
