"""The page of the monitor: what applications usually do, what has changed, and what looks like abuse."""

from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from evenhand.gateway.admin.access import Caller, Role
from evenhand.gateway.admin.answer import json_answer
from evenhand.gateway.admin.page import Page
from evenhand.telemetry.monitor import Drifted, Monitor, Profile, Suspicion, Who

PROFILES_SHOWN = 200


class ProfileLine(BaseModel):
    """Of one application of one tenant. Tokens are of one request; medians and 95th percentiles are of
    late, means of all since the gateway started. `per_minute` null: not a minute has passed."""

    tenant: str
    application: str
    requests: int
    per_minute: float | None
    input_mean: int
    input_p50: int
    input_p95: int
    output_mean: int
    output_p50: int
    output_p95: int
    cached_percent_p50: int
    calls_mean: int
    calls_p95: int
    last_ms: int


class DriftLine(BaseModel):
    """The median of `measure` (input, output, calls) has shifted."""

    tenant: str
    application: str
    measure: str
    before: int
    after: int
    at_ms: int


class SuspicionLine(BaseModel):
    """`count` is of seconds in which it was so. Nobody is refused for it."""

    kind: str
    tenant: str
    application: str | None
    since_ms: int
    last_ms: int
    count: int
    evidence: str


class MonitorPage(BaseModel):
    """The applications with most requests; drifts and suspicions, the newest first. `unseen` requests
    were not looked at, because too many ended in one second."""

    profiles: list[ProfileLine]
    drifts: list[DriftLine]
    suspicions: list[SuspicionLine]
    unseen: int


def monitor_pages(monitor: Monitor) -> list[Page]:
    """One page."""

    async def answer(_: Request, __: Caller) -> Response:
        return json_answer(
            {
                "profiles": [_profile(*one) for one in monitor.profiles(PROFILES_SHOWN)],
                "drifts": [_drift(one) for one in monitor.drifts()],
                "suspicions": [_suspicion(one) for one in monitor.suspicions()],
                "unseen": monitor.unseen,
            }
        )

    return [
        Page(
            path="/api/v1/monitor",
            role=Role.VIEWER,
            answer=answer,
            summary="What applications usually do, what has changed, and what looks like abuse.",
            result=MonitorPage,
        )
    ]


def _profile(who: Who, profile: Profile) -> dict[str, Any]:
    rate = profile.per_minute_scaled
    return {
        "tenant": "/".join(who.tenant),
        "application": who.application,
        "requests": profile.requests,
        "per_minute": None if rate is None else round(rate / 256, 1),
        "input_mean": profile.input.mean,
        "input_p50": profile.input.quantile(50),
        "input_p95": profile.input.quantile(95),
        "output_mean": profile.output.mean,
        "output_p50": profile.output.quantile(50),
        "output_p95": profile.output.quantile(95),
        "cached_percent_p50": min(100, profile.cached.quantile(50)),
        "calls_mean": profile.calls.mean,
        "calls_p95": profile.calls.quantile(95),
        "last_ms": profile.last_ms,
    }


def _drift(drifted: Drifted) -> dict[str, Any]:
    return {
        "tenant": "/".join(drifted.who.tenant),
        "application": drifted.who.application,
        "measure": drifted.measure,
        "before": drifted.shift.before,
        "after": drifted.shift.after,
        "at_ms": drifted.at_ms,
    }


def _suspicion(suspicion: Suspicion) -> dict[str, Any]:
    who = suspicion.who
    return {
        "kind": suspicion.kind.value,
        "tenant": "/".join(suspicion.tenant),
        "application": None if who is None else who.application,
        "since_ms": suspicion.since_ms,
        "last_ms": suspicion.last_ms,
        "count": suspicion.count,
        "evidence": suspicion.evidence,
    }
