"""`/api/v1/audit`: who changed what."""

from typing import Annotated, Any

import orjson
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from evenhand.cli.api.reading import STRICT, query_of
from evenhand.cli.api.told import refusing
from evenhand.cli.live.keeping import Keeping
from evenhand.gateway.admin import Caller, Page, Role
from evenhand.gateway.admin.answer import json_answer
from evenhand.stores.audit_table import PAGE_ROWS_MAX, NumberedRow


class AuditQuery(BaseModel):
    """Which rows."""

    model_config = STRICT

    below: Annotated[int, Field(ge=1, le=2**62)] | None = None
    """Rows with lower numbers than this: the next page. Left out: the latest."""
    limit: Annotated[int, Field(ge=1, le=PAGE_ROWS_MAX)] = 100


class AuditRowTold(BaseModel):
    """One act. `before` or `after` is left out where the thing was not, or is not, there."""

    number: int
    at_ms: int
    who: str
    what: str
    place: str
    before: Any = None
    after: Any = None


class AuditTold(BaseModel):
    """Latest first."""

    rows: list[AuditRowTold]


def audit_pages(keeping: Keeping) -> list[Page]:
    """The one."""

    async def audit(request: Request, _: Caller) -> Response:
        query = query_of(request, AuditQuery)
        rows = await keeping.audit(query.below, query.limit)
        return json_answer({"rows": [_told(row) for row in rows]})

    return [
        Page(
            path="/api/v1/audit",
            role=Role.VIEWER,
            answer=refusing(audit),
            summary="Who changed what, when, from what to what; latest first.",
            query=AuditQuery,
            result=AuditTold,
        )
    ]


def _told(numbered: NumberedRow) -> dict[str, Any]:
    row = numbered.row
    told: dict[str, Any] = {"number": numbered.number}
    told |= {"at_ms": row.at_ms, "who": row.who, "what": row.what, "place": row.place}
    told |= {} if row.before is None else {"before": orjson.loads(row.before)}
    return told | ({} if row.after is None else {"after": orjson.loads(row.after)})
