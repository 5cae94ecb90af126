"""The page that holds the ledger against the engines' own counters."""

import asyncio
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from evenhand.gateway.admin.access import Caller, Role
from evenhand.gateway.admin.answer import error_answer, json_answer
from evenhand.gateway.admin.day_period import DayPeriod
from evenhand.gateway.admin.page import Page
from evenhand.ledger.reconciliation import EngineReconciled, Side
from evenhand.model import EngineName, Outcome
from evenhand.stores.problem import StateProblemError
from evenhand.stores.reconcile_query import reconcile_engines
from evenhand.stores.schema import open_to_read

_DAY_MS = 86_400_000
_NO_STATE = "This gateway keeps no ledger to be compared with anything: give it a `state` section."


class ReconciliationQuery(DayPeriod):
    """Which engines, over which period; without `from` since the beginning of yesterday, for the longer
    it is, the more of the ledger is read."""

    engine: str | None = None


class ReconciledSide(BaseModel):
    """Tokens. `engine` less `ledger` is the sum of the causes."""

    engine: int
    ledger: int
    causes: dict[str, int] = Field(
        description="By choices, direct, retried, aborted, estimated, away, restart, in_flight and"
        " unexplained; a cause that took nothing is left out."
    )


class ReconciledEngine(BaseModel):
    """`from_ms` until `to_ms` is what could be compared: from calm to calm. null: nothing."""

    model_config = ConfigDict(extra="allow")

    engine: str
    from_ms: int | None
    to_ms: int | None
    requests: int
    retried: int
    left: int
    restarts: int
    away_ms: int
    input: ReconciledSide
    output: ReconciledSide
    unexplained_ppm: int


class ReconciliationResult(BaseModel):
    """One entry for each engine that tells what it counts."""

    engines: list[ReconciledEngine]


def reconciliation_pages(database: Path | None) -> list[Page]:
    """`database` is that of the state; None: there is none."""

    async def answer(request: Request, _: Caller) -> Response:
        if database is None:
            return error_answer(Outcome.NOT_FOUND, _NO_STATE)
        try:
            query = ReconciliationQuery.model_validate(dict(request.query_params))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            return error_answer(Outcome.BAD_REQUEST, f"{place}: {first['msg']}.")
        try:
            found = await asyncio.to_thread(_read, database, query)
        except (StateProblemError, sqlite3.Error) as error:
            message = f"The state database cannot be read at the moment ({error}). Try again later."
            return error_answer(Outcome.LEDGER_CLOSED, message)
        return json_answer(reconciliation_json(found))

    return [
        Page(
            path="/api/v1/reconciliation",
            role=Role.VIEWER,
            answer=answer,
            summary="The ledger against the engines' own counters.",
            query=ReconciliationQuery,
            result=ReconciliationResult,
        )
    ]


def reconciliation_json(found: Mapping[EngineName, EngineReconciled]) -> dict[str, object]:
    """The form of the page and of `evenhand reconcile --json`."""
    return {"engines": [_engine(name, each) for name, each in found.items()]}


def _engine(name: EngineName, found: EngineReconciled) -> dict[str, object]:
    return {
        "engine": name,
        "from_ms": found.from_ms,
        "to_ms": found.to_ms,
        "requests": found.requests,
        "retried": found.retried,
        "left": found.left,
        "restarts": found.restarts,
        "away_ms": found.away_ms,
        **{side.value: _side(found, side) for side in Side},
        "unexplained_ppm": found.unexplained_ppm,
    }


def _side(found: EngineReconciled, side: Side) -> dict[str, object]:
    return {
        "engine": found.engine[side],
        "ledger": found.ledger[side],
        "causes": {cause.value: tokens for cause, tokens in found.causes[side].items() if tokens},
    }


def _read(database: Path, query: ReconciliationQuery) -> Mapping[EngineName, EngineReconciled]:
    engines = None if query.engine is None else [EngineName(query.engine)]
    from_ms = query.from_ms
    if from_ms is None:
        today = time.time_ns() // 1_000_000 // _DAY_MS
        from_ms = (today - 1) * _DAY_MS
    with closing(open_to_read(database)) as connection:
        return reconcile_engines(connection, engines=engines, from_ms=from_ms, to_ms=query.to_ms)
