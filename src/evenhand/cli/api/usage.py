"""`/api/v1/usage`: who has used what."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from evenhand.cli.api.finance_reach import NO_LEDGER, download, groups_asked, reach, told
from evenhand.cli.api.reading import STRICT, BadAskingError, query_of
from evenhand.cli.exports.csv_file import csv_bytes
from evenhand.cli.exports.parquet_file import parquet_bytes
from evenhand.cli.finance import Finance
from evenhand.cli.usage.json_text import json_document
from evenhand.cli.usage.period import Period
from evenhand.cli.usage.report import UsageReport
from evenhand.cli.usage.usage_table import usage_table
from evenhand.gateway.admin import Caller, Page, Role
from evenhand.gateway.admin.answer import error_answer, json_answer
from evenhand.model import Outcome
from evenhand.stores.usage_query import UsageQuery, read_usage

LINES_MAX = 10_000


class UsageFormat(StrEnum):
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


class UsageAsked(BaseModel):
    """Which part of the ledger, and how it is grouped."""

    model_config = STRICT | ConfigDict(populate_by_name=True)

    by: Annotated[str, Field(max_length=200)] = "tenant,model"
    """Any of tenant, application, model, key, engine, day, month, joined by commas."""
    tenant: Annotated[str, Field(max_length=1000)] | None = None
    """This tenant and all below it."""
    application: Annotated[str, Field(max_length=1000)] | None = None
    model: Annotated[str, Field(max_length=1000)] | None = None
    key: Annotated[str, Field(max_length=1000)] | None = None
    first: Annotated[str | None, Field(alias="from", max_length=10)] = None
    """The first day, such as 2026-11-01, UTC."""
    end: Annotated[str | None, Field(alias="to", max_length=10)] = None
    """The day after the last, UTC."""
    format: UsageFormat = UsageFormat.JSON
    """CSV and Parquet come as files."""


class UsageLineTold(BaseModel):
    """Sums over requests, and the names that were asked for."""

    model_config = ConfigDict(extra="allow")

    requests: int
    charged: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    gpu_us: int
    units: int
    estimated_tokens: int
    corrections: int
    open_requests: int
    held_tokens: int
    share: float | None
    estimated: float | None
    money: dict[str, str]
    corrected_money: dict[str, str]
    """What of `money` are corrections."""
    held_money: dict[str, str]
    outcomes: dict[str, int]


class UsageTold(BaseModel):
    """`total` is of all lines, also of those that are left out because there were too many."""

    model_config = ConfigDict(populate_by_name=True)

    first: Annotated[str | None, Field(alias="from")]
    end: Annotated[str | None, Field(alias="to")]
    by: list[str]
    lines: list[UsageLineTold]
    lines_left_out: int
    total: UsageLineTold


def usage_pages(finance: Finance | None) -> list[Page]:
    """The one. None: there is no ledger."""

    async def usage(request: Request, caller: Caller) -> Response:
        asked = query_of(request, UsageAsked)
        if finance is None:
            return error_answer(Outcome.NOT_FOUND, NO_LEDGER)
        groups, period = groups_asked(asked.by), _period(asked)
        query = UsageQuery(
            by=groups,
            tenant=reach(caller, asked.tenant),
            application=asked.application,
            model=asked.model,
            key=asked.key,
            from_ms=period.from_ms,
            to_ms=period.to_ms,
            with_open=asked.end is None,
        )
        lines = await finance.read(lambda connection: read_usage(connection, query))
        report = UsageReport(groups, period, lines)
        return _answer(report, asked.format)

    return [
        Page(
            path="/api/v1/usage",
            role=Role.TENANT,
            answer=told(usage),
            summary="Who has used what: requests, tokens, units, money. A tenant's key: its own.",
            query=UsageAsked,
            result=UsageTold,
            also_gives=("text/csv", "application/vnd.apache.parquet"),
        )
    ]


def _period(asked: UsageAsked) -> Period:
    try:
        return Period(asked.first, asked.end)
    except ValueError as error:
        raise BadAskingError(f"{error}.") from None


def _answer(report: UsageReport, form: UsageFormat) -> Response:
    if form is UsageFormat.CSV:
        return download(csv_bytes(usage_table(report)), "usage.csv", "text/csv; charset=utf-8")
    if form is UsageFormat.PARQUET:
        media = "application/vnd.apache.parquet"
        return download(parquet_bytes(usage_table(report)), "usage.parquet", media)
    document: dict[str, Any] = json_document(report, lines_max=LINES_MAX)
    return json_answer(document)
