"""What a request says of whose it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evenhand.model import ApplicationName, LaneName, TenantPath

TENANT = "evenhand_tenant"
LANE = "evenhand_lane"
APPLICATION = "evenhand_application"

ANONYMOUS: TenantPath = ("anonymous",)
NO_LANE = LaneName("default")
NO_APPLICATION = ApplicationName("default")


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantHints:
    """Nobody's in particular, unless it says so."""

    tenant: TenantPath = ANONYMOUS
    lane: LaneName = NO_LANE
    application: ApplicationName = NO_APPLICATION


NO_HINTS = TenantHints()


def read(told: Mapping[str, Any] | None) -> TenantHints:
    """From the free arguments of a request; what is malformed counts as not said."""
    if not told:
        return NO_HINTS
    tenant = told.get(TENANT)
    if not isinstance(tenant, str) or not tenant:
        return NO_HINTS
    lane, application = told.get(LANE), told.get(APPLICATION)
    return TenantHints(
        tenant=tuple(tenant.split("/")),
        lane=LaneName(lane) if isinstance(lane, str) else NO_LANE,
        application=ApplicationName(application)
        if isinstance(application, str)
        else NO_APPLICATION,
    )
