"""`/api/v1/statements`: what a tenant owes for a period, as page or as file; and issuing it."""

from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from evenhand.cli.api.finance_reach import (
    NO_LEDGER,
    download,
    groups_asked,
    period_asked,
    reach,
    told,
)
from evenhand.cli.api.reading import STRICT, BadAskingError, query_of
from evenhand.cli.finance import Finance
from evenhand.cli.statement.forms import FORMS, Format, file_name
from evenhand.cli.statement.json_text import json_document
from evenhand.cli.statement.listing import issued_document
from evenhand.cli.statement.statement import Statement
from evenhand.gateway.admin import Caller, Page, Role
from evenhand.gateway.admin.answer import error_answer, json_answer
from evenhand.model import Outcome
from evenhand.stores.issued_statements import issued_for
from evenhand.stores.statement_query import Cut, cut_named

LINES_MAX: Final = 10_000
ISSUED_MAX: Final = 1_000


class IssuedAsked(BaseModel):
    """Whose."""

    model_config = STRICT

    tenant: Annotated[str, Field(max_length=1000)] | None = None
    """That node's own. Left out: all."""


class IssuedTold(BaseModel):
    """A statement that was issued; it never changes."""

    model_config = ConfigDict(populate_by_name=True)

    number: int
    tenant: str
    first: Annotated[str, Field(alias="from")]
    end: Annotated[str, Field(alias="to")]
    cut: int
    total: dict[str, str]
    """Money by currency."""
    digest: str
    issued_at: str
    issued_by: str


class IssuedListTold(BaseModel):
    """The latest first, 1000 at most."""

    statements: list[IssuedTold]
    left_out: int


class PeriodAsked(BaseModel):
    """When."""

    model_config = STRICT

    period: Annotated[str, Field(max_length=40)]
    """2026-11, 2026-W48, 2026-11-26, or 2026-11-01..2026-12-15; UTC."""


class StatementFormat(StrEnum):
    """All but JSON come as files."""

    JSON = "json"
    TEXT = "text"
    CSV = "csv"
    PARQUET = "parquet"
    FOCUS = "focus"
    FOCUS_PARQUET = "focus-parquet"


class StatementAsked(PeriodAsked):
    """When, cut off where, and how it is grouped."""

    by: Annotated[str, Field(max_length=200)] = "model"
    """Any of tenant, application, model, key, engine, day, month, joined by commas."""
    cut: Annotated[str, Field(max_length=31)] | None = None
    """As it stood at that cut, which every statement names, such as 4711/12."""
    format: StatementFormat = StatementFormat.JSON


class StatementTold(BaseModel):
    """See docs/how-to-finance.md. `total` is of all lines, also of those that are left out because there
    were too many; files have all."""

    model_config = ConfigDict(populate_by_name=True)

    statement: int | None
    """Its number; null: a draft."""
    tenant: str
    first: Annotated[str, Field(alias="from")]
    end: Annotated[str, Field(alias="to")]
    cut: str
    digest: str
    by: list[str]
    lines: list[dict[str, Any]]
    lines_left_out: int
    late: list[dict[str, Any]]
    corrections: list[dict[str, Any]]
    total: dict[str, Any]
    gpu: dict[str, Any]
    """GPU time of its requests and what the hardware cost, in no total."""
    held: list[dict[str, Any]]


def statements_pages(finance: Finance | None) -> list[Page]:
    """All of them. None: there is no ledger."""
    own = _StatementsPages(finance)
    one = "/api/v1/statements/{tenant:path}"
    return [
        Page(
            path="/api/v1/statements",
            role=Role.TENANT,
            answer=told(own.issued),
            summary="The statements that were issued, latest first. A tenant's key: its own.",
            query=IssuedAsked,
            result=IssuedListTold,
        ),
        Page(
            path=one,
            role=Role.TENANT,
            answer=told(own.show),
            summary="What a tenant, with all below it, owes for a period. A tenant's key: its own.",
            query=StatementAsked,
            result=StatementTold,
            also_gives=("text/plain", "text/csv", "application/vnd.apache.parquet"),
        ),
        Page(
            path=one,
            method="POST",
            role=Role.OWNER,
            answer=told(own.close),
            summary="Issue the statement of a period that is over.",
            query=PeriodAsked,
            result=IssuedTold,
        ),
    ]


class _StatementsPages:
    def __init__(self, finance: Finance | None) -> None:
        self._finance = finance

    async def issued(self, request: Request, caller: Caller) -> Response:
        tenant = reach(caller, query_of(request, IssuedAsked).tenant)
        if self._finance is None:
            return error_answer(Outcome.NOT_FOUND, NO_LEDGER)
        found = await self._finance.read(lambda connection: issued_for(connection, tenant))
        latest = found[::-1][:ISSUED_MAX]
        statements = [issued_document(each) for each in latest]
        return json_answer({"statements": statements, "left_out": len(found) - len(latest)})

    async def show(self, request: Request, caller: Caller) -> Response:
        asked = query_of(request, StatementAsked)
        tenant = reach(caller, request.path_params["tenant"])
        form, period = FORMS[Format(asked.format)], period_asked(asked.period)
        groups = form.by or groups_asked(asked.by)
        cut = _cut(asked.cut)
        if self._finance is None:
            return error_answer(Outcome.NOT_FOUND, NO_LEDGER)
        assert tenant is not None
        found = await self._finance.statement(tenant, period, groups, cut)
        if asked.format is StatementFormat.JSON:
            return json_answer(_bounded(found))
        return download(form.make(found), file_name(found, form), form.media)

    async def close(self, request: Request, caller: Caller) -> Response:
        period = period_asked(query_of(request, PeriodAsked).period)
        if self._finance is None:
            return error_answer(Outcome.NOT_FOUND, NO_LEDGER)
        tenant = request.path_params["tenant"]
        issued = await self._finance.close_statement(tenant, period, caller.name)
        return json_answer(issued_document(issued))


def _bounded(found: Statement) -> dict[str, Any]:
    document = json_document(found)
    left_out = 0
    for section in ("lines", "late", "corrections", "held"):
        left_out += max(0, len(document[section]) - LINES_MAX)
        document[section] = document[section][:LINES_MAX]
    return document | {"lines_left_out": left_out}


def _cut(text: str | None) -> Cut | None:
    try:
        return None if text is None else cut_named(text)
    except ValueError as error:
        raise BadAskingError(f"cut: {error}.") from None
