"""The pages of the samples: what each second looked like, for everybody's eyes or for one tenant's."""

import asyncio
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from evenhand.gateway.admin.access import Caller, Role
from evenhand.gateway.admin.answer import error_answer, json_answer
from evenhand.gateway.admin.page import Page
from evenhand.model import Outcome, TenantPath
from evenhand.telemetry.samples import Sample, Sampler, sample_json, tenant_json

SAMPLES_MAX = 900
_SAMPLES = 60


class SamplesQuery(BaseModel):
    """Which samples."""

    model_config = ConfigDict(extra="forbid")

    since: Annotated[int, Field(ge=-1)] = -1
    """Only those with a greater `seq`; -1: from the oldest that is remembered."""
    last: Annotated[int, Field(ge=1, le=SAMPLES_MAX)] = _SAMPLES
    """The newest so many of these."""


class SamplesPage(BaseModel):
    """`latest` is the newest `seq` there is; ask for what came since with `since`."""

    latest: int
    samples: list[dict[str, Any]]
    """One a second, ascending by `seq`; docs/monitoring.md tells the fields."""


def samples_pages(sampler: Sampler) -> list[Page]:
    """Whoever may not see every tenant is told of its own alone."""

    async def samples(request: Request, caller: Caller) -> Response:
        try:
            query = SamplesQuery.model_validate(dict(request.query_params))
        except ValidationError:
            message = f"since is a number from -1 on, last one from 1 to {SAMPLES_MAX}; no more."
            return error_answer(Outcome.BAD_REQUEST, message)
        found = sampler.since(query.since)[-query.last :]
        told = []
        for sample in found:
            told.append(orjson.Fragment(orjson.dumps(_told(sampler, sample, caller))))
            await asyncio.sleep(
                0
            )  # a quarter of an hour is long to write, and others have this loop
        latest = 0 if sampler.latest is None else sampler.latest.seq
        return json_answer({"latest": latest, "samples": told})

    return [
        Page(
            path="/api/v1/samples",
            role=Role.TENANT,
            answer=samples,
            summary="What each of the last seconds looked like: shares, waits, engines, fairness.",
            query=SamplesQuery,
            result=SamplesPage,
        )
    ]


def _told(sampler: Sampler, sample: Sample, caller: Caller) -> dict[str, Any]:
    if caller.role >= Role.VIEWER:
        return sample_json(sample)
    assert caller.tenant is not None, "who is less than a viewer is a tenant"
    return own_json(sampler, sample, caller.tenant)


def own_json(sampler: Sampler, sample: Sample, tenant: TenantPath) -> dict[str, Any]:
    """What a tenant is told of a second: the leaves at and beneath its own node, nobody else's name and
    no sum over all. The newest second has all of them; one before it those that had a row in it."""
    if sample is sampler.latest:
        rows = sampler.beneath(tenant)
    else:
        rows = [row for row in sample.tenants if row.path[: len(tenant)] == tenant]
    return {
        "seq": sample.seq,
        "at_ms": sample.at_ms,
        "interval_ms": sample.interval_ms,
        "tenants": [tenant_json(row) for row in rows],
    }
