"""The page that tells whose GPU time was whose."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from evenhand.gateway.admin.access import Caller, Role
from evenhand.gateway.admin.answer import error_answer, json_answer
from evenhand.gateway.admin.day_period import DayPeriod
from evenhand.gateway.admin.page import Page
from evenhand.ledger.gpu import GpuKind, divide
from evenhand.model import Outcome
from evenhand.stores.gpu_query import GPU_GROUPINGS, GpuLine, GpuQuery, Group, read_gpu_time
from evenhand.stores.problem import StateProblemError
from evenhand.stores.schema import open_to_read

_NO_STATE = (
    "This gateway keeps no account of GPU time: give it a `state` section. Until then /metrics has "
    "evenhand_gpu_seconds_total since its start."
)


class GpuTimeQuery(DayPeriod):
    """Which part of the account, and how it is grouped."""

    by: str = "tenant,model"
    """Any of tenant, application, model, key, engine, hour, day, month, joined by commas."""
    tenant: str | None = None
    """This tenant and all below it; nobody's time is left out then."""
    application: str | None = None
    model: str | None = None
    key: str | None = None
    engine: str | None = None
    spread_idle: bool = False
    """Also tell each line's part of nobody's time, by its part of the used time."""


class GpuTimeRow(BaseModel):
    """GPU time of one group, in microseconds of GPUs; money in decimal text, by currency."""

    model_config = ConfigDict(extra="allow")

    group: dict[str, str] = Field(description="By the names asked for; empty: of nobody.")
    exact_us: int
    estimated_us: int
    idle_us: int
    down_us: int
    away_us: int
    cost: dict[str, str]
    cost_of_nobody: dict[str, str]
    spread_us: int | None = None


class GpuTimeResult(BaseModel):
    """The lines, and their sum: the wall time of the GPUs as far as it was asked for."""

    lines: list[GpuTimeRow]
    total: GpuTimeRow


def gpu_time_pages(database: Path | None) -> list[Page]:
    """`database` is that of the state; None: there is none."""

    async def answer(request: Request, _: Caller) -> Response:
        if database is None:
            return error_answer(Outcome.NOT_FOUND, _NO_STATE)
        try:
            query = GpuTimeQuery.model_validate(dict(request.query_params))
            groups = _groups(query.by)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            return error_answer(Outcome.BAD_REQUEST, f"{place}: {first['msg']}.")
        except ValueError as error:
            return error_answer(Outcome.BAD_REQUEST, str(error))
        try:
            lines = await asyncio.to_thread(_read, database, query, groups)
        except (StateProblemError, sqlite3.Error) as error:
            message = f"The state database cannot be read at the moment ({error}). Try again later."
            return error_answer(Outcome.LEDGER_CLOSED, message)
        return json_answer(_page(lines, groups, spreads=query.spread_idle))

    return [
        Page(
            path="/api/v1/gpu-time",
            role=Role.VIEWER,
            answer=answer,
            summary="Whose the engines' GPU time was, and what it cost.",
            query=GpuTimeQuery,
            result=GpuTimeResult,
        )
    ]


def _groups(by: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in by.split(","))
    for name in names:
        if name not in GPU_GROUPINGS:
            raise ValueError(f"by: there are {', '.join(GPU_GROUPINGS)}; join them with commas.")
    if len(set(names)) < len(names):
        raise ValueError("by: name each once.")
    return names


def _read(database: Path, query: GpuTimeQuery, groups: tuple[str, ...]) -> dict[Group, GpuLine]:
    asked = GpuQuery(
        by=groups,
        tenant=query.tenant,
        application=query.application,
        model=query.model,
        key=query.key,
        engine=query.engine,
        from_ms=query.from_ms,
        to_ms=query.to_ms,
    )
    with closing(open_to_read(database)) as connection:
        return read_gpu_time(connection, asked)


def _page(lines: dict[Group, GpuLine], groups: tuple[str, ...], *, spreads: bool) -> object:
    total = GpuLine()
    for line in lines.values():
        total.gpu_us.update(line.gpu_us)
        total.nano.update(line.nano)
        total.nano_of_nobody.update(line.nano_of_nobody)
    rows = [_row(dict(zip(groups, group, strict=True)), line) for group, line in lines.items()]
    used = [line.used_us for line in lines.values()]
    if spreads and any(used):
        nobodys = total.total_us - total.used_us
        for row, part in zip(rows, divide(nobodys, used), strict=True):
            row["spread_us"] = part
    return {"lines": rows, "total": _row({}, total)}


def _row(group: dict[str, str], line: GpuLine) -> dict[str, object]:
    return {
        "group": group,
        **{f"{kind}_us": line.gpu_us[kind] for kind in GpuKind},
        "cost": _money(line.nano),
        "cost_of_nobody": _money(line.nano_of_nobody),
    }


def _money(nano: Counter[str]) -> dict[str, str]:
    return {currency: _decimal(amount) for currency, amount in sorted(nano.items())}


def _decimal(nano: int) -> str:
    whole, rest = divmod(nano, 10**9)
    return f"{whole}.{rest:09d}".rstrip("0").rstrip(".")
