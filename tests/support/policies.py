"""The one place where tests of shares build a scheduler's settings and ask for its bound."""

from collections.abc import Mapping
from typing import Any

from evenhand.scheduling import QueueLimits, SchedulerSettings, TenantShare, TokenWeights, compose

COST = TokenWeights(input=10, cached_input=1, output=20)
ROOM = QueueLimits(requests_max=10**6, tenant_requests_max=10**6)


def settings_of(
    tenants: tuple[TenantShare, ...],
    *,
    preset: str = "vtc",
    parts: Mapping[str, Any] | None = None,
    limits: QueueLimits = ROOM,
    **others: Any,
) -> SchedulerSettings:
    """`parts` differ from the preset's own."""
    policy = compose(preset, **(parts or {}))
    return SchedulerSettings(tenants=tenants, policy=policy, cost=COST, limits=limits, **others)


def lag_bound_units(
    settings: SchedulerSettings, *, window: int, request_units_max: int, weight_min: int = 1
) -> int:
    """The policy's own bound on the difference of service per weight."""
    bound = settings.policy.lag_bound(
        window=window, request_units_max=request_units_max, weight_min=weight_min
    )
    assert bound is not None
    return bound


def flat(**weights: int) -> tuple[TenantShare, ...]:
    """Tenants of one level by name."""
    return tuple(TenantShare(name=name, weight=weight) for name, weight in weights.items())


def branch(name: str, weight: int = 1, **weights: int) -> TenantShare:
    """A tenant with users beneath it."""
    return TenantShare(name=name, weight=weight, children=flat(**weights))
