"""The page of the alarms: what is wrong, since when, and what to do."""

from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from evenhand.gateway.admin.access import Caller, Role
from evenhand.gateway.admin.answer import json_answer
from evenhand.gateway.admin.page import Page
from evenhand.telemetry.alarms import DO, Alarm, Alarms


class AlarmLine(BaseModel):
    """One alarm. Times are milliseconds since 1970; `ended_ms` null: it stands. `value` and `threshold`
    are in `unit`: ms, ppm (parts per million), per_minute, or a count of what `what` tells."""

    kind: str
    what: str
    do: str
    since_ms: int
    ended_ms: int | None
    value: int
    threshold: int
    unit: str
    tenant: str | None
    engine: str | None
    application: str | None


class AlarmsPage(BaseModel):
    """`standing` are those of this moment, the oldest first; `ended` the last ones, the newest first."""

    standing: list[AlarmLine]
    ended: list[AlarmLine]


def alarms_pages(alarms: Alarms) -> list[Page]:
    """One page."""

    async def answer(_: Request, __: Caller) -> Response:
        return json_answer(
            {
                "standing": [alarm_json(alarm) for alarm in alarms.standing()],
                "ended": [alarm_json(alarm) for alarm in alarms.ended()],
            }
        )

    return [
        Page(
            path="/api/v1/alarms",
            role=Role.VIEWER,
            answer=answer,
            summary="What is wrong, since when, and what to do.",
            result=AlarmsPage,
        )
    ]


def alarm_json(alarm: Alarm) -> dict[str, Any]:
    """As an `AlarmLine`."""
    found = alarm.found
    return {
        "kind": found.kind.value,
        "what": found.what,
        "do": DO[found.kind],
        "since_ms": alarm.since_ms,
        "ended_ms": alarm.ended_ms,
        "value": found.value,
        "threshold": found.threshold,
        "unit": found.unit,
        "tenant": None if found.tenant is None else "/".join(found.tenant),
        "engine": found.engine,
        "application": found.application,
    }
