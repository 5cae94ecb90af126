"""What a scheduler is built from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from evenhand.model import ApplicationName
from evenhand.scheduling.cost.weights import TokenWeights
from evenhand.scheduling.lanes.lane import Lane
from evenhand.scheduling.limits import QueueLimits
from evenhand.scheduling.policy import Policy
from evenhand.scheduling.presets import PRESETS
from evenhand.scheduling.share_tree import TenantShare


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerSettings:
    """`cost` weighs tokens, for the policy's cost and for people. `sheds` False: a full queue refuses
    the arrival, whoever's it is, as a plain queue does. `lanes` are in order of precedence; none: all
    requests are of one lane, whatever theirs is called. `application_units` is what a call of an
    application is expected to use in weighted tokens, where that is not learned."""

    tenants: tuple[TenantShare, ...]
    policy: Policy = PRESETS["vtc"]
    cost: TokenWeights = field(default_factory=TokenWeights)
    limits: QueueLimits = field(default_factory=QueueLimits)
    output_tokens_default: int = 256
    application_units: Mapping[ApplicationName, int] = field(default_factory=dict)
    sheds: bool = True
    lanes: tuple[Lane, ...] = ()
    forget_after_ms: int = 3_600_000
    """What was learned of a tenant goes when it has been idle for so long."""
