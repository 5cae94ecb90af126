"""Figures of runs that never were."""

from dataclasses import replace

from evenhand.scheduling import TenantShare
from evenhand.sim.measures.figures import RunFigures, TenantFigures, figures
from support.made_record import made_record

_NOTHING = figures(made_record(()), (TenantShare(name="a"),))


def tenant(**values: object) -> TenantFigures:
    """Of a tenant with ten answered requests, unless said otherwise."""
    answered = {"requests": 10, "completed": 10, "ttft_mean_s": 1.0}
    return replace(_NOTHING.tenants["a"], **{**answered, **values})  # type: ignore[arg-type]


def run(tenants: dict[str, TenantFigures], **values: object) -> RunFigures:
    return replace(_NOTHING, tenants=tenants, **values)  # type: ignore[arg-type]
