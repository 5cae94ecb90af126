"""What a scheduler was built from, as JSON can hold it, and back.

A policy is written as the names of its parts and the values of all its dials, defaults too: a later
version may have other defaults.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from evenhand.model import ApplicationName, LaneName
from evenhand.scheduling import (
    Lane,
    Policy,
    QueueLimits,
    SchedulerSettings,
    TenantShare,
    TokenWeights,
)
from evenhand.scheduling.admission.built_in import ADMISSIONS
from evenhand.scheduling.cost.built_in import COSTS
from evenhand.scheduling.order.built_in import ORDERS
from evenhand.scheduling.placement.built_in import PLACEMENTS
from evenhand.scheduling.prediction.built_in import PREDICTIONS
from evenhand.scheduling.queue.built_in import QUEUES
from evenhand.stores.event_log.problem import EventLogError

Form = dict[str, Any]
NamedPolicy = Callable[[str], Policy]
"""Finds a policy by its name, for parts that are not built in. Raises LookupError."""

_BUILT_IN: Mapping[str, Mapping[str, Any]] = {
    "order": ORDERS,
    "queue": QUEUES,
    "placement": PLACEMENTS,
    "admission": ADMISSIONS,
    "prediction": PREDICTIONS,
    "cost": COSTS,
}
_PLAIN = ("output_tokens_default", "sheds", "forget_after_ms")


def settings_form(settings: SchedulerSettings) -> Form:
    """As `settings_of` reads it."""
    policy = settings.policy
    parts = {seam: getattr(policy, seam).name for seam in _BUILT_IN}
    return {
        "tenants": [share_form(share) for share in settings.tenants],
        "policy": {"name": policy.name, **parts, "values": policy.values()},
        "cost": asdict(settings.cost),
        "limits": asdict(settings.limits),
        "lanes": [asdict(lane) for lane in settings.lanes],
        "application_units": dict(settings.application_units),
        **{name: getattr(settings, name) for name in _PLAIN},
    }


def settings_of(form: Form, named: NamedPolicy) -> SchedulerSettings:
    """Raises EventLogError where a part is not to be had, and any error of Python where the form is
    not what `settings_form` writes."""
    units = form["application_units"].items()
    return SchedulerSettings(
        tenants=tuple(share_of(share) for share in form["tenants"]),
        policy=_policy(form["policy"], named),
        cost=TokenWeights(**form["cost"]),
        limits=QueueLimits(**form["limits"]),
        lanes=tuple(Lane(**{**lane, "name": LaneName(lane["name"])}) for lane in form["lanes"]),
        application_units={ApplicationName(name): count for name, count in units},
        **{name: form[name] for name in _PLAIN},
    )


def share_form(share: TenantShare) -> Form:
    """A tenant with all beneath it."""
    form: Form = {"name": share.name, "weight": share.weight}
    if share.children:
        form["children"] = [share_form(child) for child in share.children]
    return form


def share_of(form: Form) -> TenantShare:
    """A tenant with all beneath it."""
    children = tuple(share_of(child) for child in form.get("children", ()))
    return TenantShare(name=form["name"], weight=form["weight"], children=children)


def _policy(form: Form, named: NamedPolicy) -> Policy:
    name = str(form["name"])
    parts: dict[str, Any] = {seam: _part(seam, form[seam], name, named) for seam in _BUILT_IN}
    return Policy(name=name, summary="as recorded", settings=form["values"], **parts)


def _part(seam: str, part_name: str, policy_name: str, named: NamedPolicy) -> object:
    part = _BUILT_IN[seam].get(part_name)
    if part is not None:
        return part
    try:
        part = getattr(named(policy_name), seam)
    except LookupError:
        part = None
    if part is None or part.name != part_name:
        raise EventLogError(
            f"line 1: the policy {policy_name} was recorded with the {seam} {part_name}, which is not"
            " here: install the package that offers it"
        )
    return part
